/** Tasks of a stand-in CVAT, and runs that fill them, ended with each test. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach } from 'vitest';
import { annotateTask, type AnnotateOptions, type PredictFrame } from '../../../src/adapters/cvat/annotate/annotate.ts';
import { createCvatClient, type CvatClient } from '../../../src/adapters/cvat/api/client.ts';
import { planTask } from '../../../src/adapters/cvat/annotate/plan.ts';
import { openRunLog, type RunLog } from '../../../src/adapters/cvat/annotate/run-log.ts';
import { pngOf } from '../../unit/adapters/webhook/webhook-server.ts';
import { emptyMask, fillBox } from '../../../src/core/mask/raster.ts';
import { startStandIn, TOKEN, type Asked, type StandIn, type Trouble } from './stand-in-cvat.ts';

export const WIDTH = 64;
export const HEIGHT = 48;
export const SQUARE = [0, 16, 10, 10, 13, 13];

interface AnnotateBench {
  cvat: StandIn;
  client: CvatClient;
  folder: string;
  /** Closed after the test. */
  readonly opened: RunLog[];
}
export type Task = ReturnType<StandIn['addTask']>;

export const frames = async (count: number) => {
  const bytes = await pngOf(1, WIDTH, HEIGHT);
  return Array.from({ length: count }, (_, i) => ({ name: `f${i}.png`, width: WIDTH, height: HEIGHT, bytes }));
};

/** A box that is somewhere else on each frame. */
export const predict: PredictFrame = (_, labels, frame) =>
  Promise.resolve(
    labels.map((label, i) => {
      const mask = emptyMask(WIDTH, HEIGHT);
      fillBox(mask, [frame, 2 + 10 * i, frame + 8, 9 + 10 * i]);
      return { label, mask, score: 0.9 };
    }),
  );

export const isUpload = ({ method, query }: Asked): boolean => method === 'PATCH' && query.get('action') === 'create';

/** Registers what opens and closes it around each test. */
export function annotateBench() {
  const bench = { opened: [] as RunLog[] } as unknown as AnnotateBench;
  beforeEach(async () => {
    bench.cvat = await startStandIn();
    bench.client = createCvatClient({ url: bench.cvat.url, token: TOKEN, backoffMs: 1 });
    bench.folder = mkdtempSync(join(tmpdir(), 'prosam-cvat-'));
  });
  afterEach(async () => {
    for (const log of bench.opened.splice(0)) await log.close();
    await bench.cvat.close();
    rmSync(bench.folder, { recursive: true });
  });

  async function smallTask(count: number, options: { jobSize?: number; overlap?: number; deleted?: number[]; video?: boolean } = {}) {
    const task = bench.cvat.addTask({ frames: await frames(count), labels: [{ name: 'cat' }, { name: 'dog' }], ...options });
    bench.cvat.addShape(task, { type: 'mask', frame: 0, label: 'cat', points: SQUARE });
    return task;
  }

  const planOf = (task: Task, options: Partial<Parameters<typeof planTask>[0]> = {}) =>
    planTask({ client: bench.client, target: { task: task.id }, referenceFrames: [0], form: 'mask', ...options });

  async function run(task: Task, options: Partial<AnnotateOptions> = {}, path = join(bench.folder, 'run.jsonl')) {
    const plan = options.plan ?? (await planOf(task));
    const log = await openRunLog(path, { server: bench.cvat.url, task: task.id, settings: {} });
    bench.opened.push(log);
    const result = await annotateTask({
      client: bench.client,
      plan,
      predict,
      log,
      form: 'mask',
      instances: false,
      batchFrames: 3,
      pauseMs: 1,
      ...options,
    });
    return { result, log };
  }

  const framesOf = (task: Task) =>
    bench.cvat
      .shapes(task)
      .filter(({ source }) => source === 'auto')
      .map(({ frame }) => frame)
      .sort((a, b) => a - b);

  /** The n-th upload meets trouble. */
  function troubleAt(turn: number, trouble: Trouble) {
    let uploads = 0;
    bench.cvat.state.trouble = (asked) => (isUpload(asked) && ++uploads === turn ? trouble : undefined);
  }

  return Object.assign(bench, { smallTask, planOf, run, framesOf, troubleAt });
}
