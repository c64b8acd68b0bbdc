/** A task filled from one labelled frame, against the stand-in over real sockets. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { annotateTask, type AnnotateOptions, type PredictFrame } from '../../../src/adapters/cvat/annotate/annotate.ts';
import { createCvatClient, type CvatClient } from '../../../src/adapters/cvat/api/client.ts';
import { planTask } from '../../../src/adapters/cvat/annotate/plan.ts';
import { openRunLog, type RunLog } from '../../../src/adapters/cvat/annotate/run-log.ts';
import { undoRun } from '../../../src/adapters/cvat/annotate/undo.ts';
import { pngOf } from '../../unit/adapters/webhook/webhook-server.ts';
import { expectRejection } from '../../unit/core/expect-error.ts';
import { emptyMask, fillBox } from '../../../src/core/mask/raster.ts';
import { startStandIn, TOKEN, type Asked, type StandIn, type Trouble } from './stand-in-cvat.ts';

const WIDTH = 64;
const HEIGHT = 48;
const SQUARE = [0, 16, 10, 10, 13, 13];

let cvat: StandIn;
let client: CvatClient;
let folder: string;
const opened: RunLog[] = [];

beforeEach(async () => {
  cvat = await startStandIn();
  client = createCvatClient({ url: cvat.url, token: TOKEN, backoffMs: 1 });
  folder = mkdtempSync(join(tmpdir(), 'prosam-cvat-'));
});
afterEach(async () => {
  for (const log of opened.splice(0)) await log.close();
  await cvat.close();
  rmSync(folder, { recursive: true });
});

const frames = async (count: number) => {
  const bytes = await pngOf(1, WIDTH, HEIGHT);
  return Array.from({ length: count }, (_, i) => ({ name: `f${i}.png`, width: WIDTH, height: HEIGHT, bytes }));
};

/** A box that is somewhere else on each frame. */
const predict: PredictFrame = (_, labels, frame) =>
  Promise.resolve(
    labels.map((label, i) => {
      const mask = emptyMask(WIDTH, HEIGHT);
      fillBox(mask, [frame, 2 + 10 * i, frame + 8, 9 + 10 * i]);
      return { label, mask, score: 0.9 };
    }),
  );

async function smallTask(count: number, options: { jobSize?: number; overlap?: number; deleted?: number[]; video?: boolean } = {}) {
  const task = cvat.addTask({ frames: await frames(count), labels: [{ name: 'cat' }, { name: 'dog' }], ...options });
  cvat.addShape(task, { type: 'mask', frame: 0, label: 'cat', points: SQUARE });
  return task;
}
type Task = Awaited<ReturnType<typeof smallTask>>;

const planOf = (task: Task, options: Partial<Parameters<typeof planTask>[0]> = {}) =>
  planTask({ client, target: { task: task.id }, referenceFrames: [0], form: 'mask', ...options });

async function run(task: Task, options: Partial<AnnotateOptions> = {}, path = join(folder, 'run.jsonl')) {
  const plan = options.plan ?? (await planOf(task));
  const log = await openRunLog(path, { server: cvat.url, task: task.id, settings: {} });
  opened.push(log);
  const result = await annotateTask({ client, plan, predict, log, form: 'mask', instances: false, batchFrames: 3, pauseMs: 1, ...options });
  return { result, log };
}

const framesOf = (task: Task) =>
  cvat
    .shapes(task)
    .filter(({ source }) => source === 'auto')
    .map(({ frame }) => frame)
    .sort((a, b) => a - b);
const isUpload = ({ method, query }: Asked): boolean => method === 'PATCH' && query.get('action') === 'create';
/** The n-th upload meets trouble. */
function troubleAt(turn: number, trouble: Trouble) {
  let uploads = 0;
  cvat.state.trouble = (asked) => (isUpload(asked) && ++uploads === turn ? trouble : undefined);
}

describe('filling a task', () => {
  it('puts one shape of the machine on every other frame, in the job it belongs to, and never replaces', async () => {
    const task = await smallTask(7, { jobSize: 3 });
    const human = structuredClone(cvat.shapes(task));
    const { result } = await run(task);
    expect(result).toMatchObject({ predicted: 6, shapes: 6, failed: 0, lost: 0 });
    expect(framesOf(task)).toEqual([1, 2, 3, 4, 5, 6]);
    for (const job of task.jobs) expect(job.shapes.every(({ frame }) => frame >= job.start_frame && frame <= job.stop_frame)).toBe(true);
    expect(cvat.shapes(task).filter(({ source }) => source === 'manual')).toEqual(human);
    expect(cvat.asked.filter(({ method }) => method === 'PUT')).toEqual([]);
    expect(cvat.asked.every(({ headers }) => headers.authorization === `Bearer ${TOKEN}`)).toBe(true);
  });

  it('takes what people drew as the reference, and what a program made only where nobody drew the label', async () => {
    const task = await smallTask(3);
    const [human] = structuredClone(cvat.shapes(task));
    cvat.addShape(task, { type: 'mask', frame: 0, label: 'cat', points: [0, 100, 0, 0, 9, 9], source: 'auto' });
    const own = await planOf(task);
    expect(own.unused).toMatchObject([{ label: 'cat', reason: expect.stringContaining('a program made it') as string }]);
    const [mark] = own.references[0]?.marks ?? [];
    (task.jobs[0] as { shapes: unknown[] }).shapes = [human];
    expect((await planOf(task)).references[0]?.marks).toEqual([mark]);
    cvat.shapes(task).forEach((shape) => (shape.source = 'auto'));
    expect((await planOf(task)).references[0]?.marks).toEqual([mark]);
  });

  it('fills frames of overlapping jobs once, and leaves out deleted, other and labelled ones', async () => {
    const task = await smallTask(10, { jobSize: 4, overlap: 2, deleted: [3] });
    cvat.addShape(task, { type: 'rectangle', frame: 5, label: 'cat', points: [1, 1, 9, 9] });
    cvat.addShape(task, { type: 'rectangle', frame: 6, label: 'dog', points: [1, 1, 9, 9] });
    const { result } = await run(task, { plan: await planOf(task, { frames: new Set([1, 2, 3, 4, 5, 6]) }) });
    expect(framesOf(task)).toEqual([1, 2, 4, 6]);
    expect(result).toMatchObject({ predicted: 4, covered: 1 });
  });

  it('works on a video and on one job of a large task with its reference in another', async () => {
    const task = await smallTask(6, { jobSize: 3, video: true });
    const [, second] = task.jobs;
    const plan = await planOf(task, { target: { job: (second as { id: number }).id } });
    expect(plan.nameOf(4)).toBe('frame 4');
    await run(task, { plan });
    expect(framesOf(task)).toEqual([3, 4, 5]);
  });

  it('keeps ground truth and labels of other shapes free of predictions', async () => {
    const task = cvat.addTask({
      frames: await frames(4),
      labels: [
        { name: 'cat', type: 'polygon' },
        { name: 'line', type: 'polyline' },
      ],
      jobSize: 2,
    });
    Object.assign(task.jobs[1] as object, { type: 'ground_truth' });
    cvat.addShape(task, { type: 'polygon', frame: 0, label: 'cat', points: [2, 2, 20, 2, 20, 20, 2, 20] });
    await run(task);
    expect(cvat.shapes(task).filter(({ source }) => source === 'auto')).toMatchObject([{ frame: 1, type: 'polygon' }]);
    await expectRejection('REFERENCE_MISSING', planOf(task, { labels: ['line'] }), 'line');
  });

  it('reads every kind of reference shape', async () => {
    const task = cvat.addTask({ frames: await frames(6), labels: [{ name: 'cat' }] });
    const kinds: [string, number[], number, number][] = [
      ['mask', SQUARE, 0, 16],
      ['polygon', [2, 2, 12, 2, 12, 12, 2, 12], 0, 100],
      ['rectangle', [2, 2, 12, 12], 0, 100],
      ['rectangle', [20, 20, 40, 24], 90, 80],
      ['ellipse', [30, 20, 40, 10], 0, 314],
      ['points', [5, 5, 7, 7], 0, 2],
    ];
    for (const [frame, [type, points, rotation]] of kinds.entries()) cvat.addShape(task, { type, frame, label: 'cat', points, rotation });
    const { references } = await planOf(task, { referenceFrames: [0, 1, 2, 3, 4, 5], frames: new Set() });
    for (const [i, { marks }] of references.entries()) {
      const area = kinds[i]?.[3] as number;
      expect(Math.abs((marks[0]?.area ?? 0) - area), kinds[i]?.[0]).toBeLessThanOrEqual(area * 0.03);
    }
  });

  it('names frames and labels that are not there', async () => {
    const task = await smallTask(4, { deleted: [2] });
    await expectRejection('OPTION_INVALID', planOf(task, { referenceFrames: [9] }), '0 to 3', '9');
    await expectRejection('OPTION_INVALID', planOf(task, { frames: new Set([1, 4]) }), '0 to 3', '4');
    await expectRejection('OPTION_INVALID', planOf(task, { referenceFrames: [2] }), 'deleted');
    await expectRejection('OPTION_INVALID', planOf(task, { labels: ['cow'] }), 'cat, dog', 'cow');
    await expectRejection('REFERENCE_MISSING', planOf(task, { referenceFrames: [1] }), 'frame 1');
    await expectRejection('CVAT_FAILED', planOf({ ...task, id: 99_999 }), '404');
  });
});

describe('when something goes wrong', () => {
  it.each([['before'], ['after'], [{ status: 502 }], [{ status: 429, headers: { 'retry-after': '0' } }]] as [Trouble][])(
    'stores each shape once over an upload that meets %j',
    async (trouble) => {
      const task = await smallTask(8);
      troubleAt(2, trouble);
      const { result } = await run(task);
      expect(framesOf(task)).toEqual([1, 2, 3, 4, 5, 6, 7]);
      expect(result).toMatchObject({ shapes: 7, lost: 0 });
    },
  );

  it('loses nothing and doubles nothing when the program ends between upload and answer', async () => {
    const task = await smallTask(8);
    // The second upload arrives; from then on CVAT is gone.
    let uploads = 0;
    cvat.state.trouble = (asked) => {
      if (isUpload(asked)) uploads++;
      return uploads < 2 ? undefined : isUpload(asked) && uploads === 2 ? 'after' : 'before';
    };
    const short = createCvatClient({ url: cvat.url, token: TOKEN, backoffMs: 1, attempts: 2 });
    await expectRejection('CVAT_FAILED', run(task, { client: short }));
    const stored = framesOf(task);
    expect(stored).toEqual([1, 2, 3, 4, 5, 6]);
    cvat.state.trouble = undefined;
    const asked: number[] = [];
    const { result, log } = await run(task, {
      predict: (image, labels, frame) => {
        asked.push(frame);
        return predict(image, labels, frame);
      },
    });
    expect(asked).toEqual([7]);
    expect(framesOf(task)).toEqual([1, 2, 3, 4, 5, 6, 7]);
    expect(result).toMatchObject({ shapes: 1, lost: 0 });
    // The shapes of the upload nobody answered for belong to the run, too.
    expect(await undoRun(client, log, task.id)).toEqual({ removed: 7, kept: 0, gone: 0 });
    expect(cvat.shapes(task)).toHaveLength(1);
  });

  it('stops at a revoked token with a telling error, and goes on with a new one', async () => {
    const task = await smallTask(8);
    let uploads = 0;
    cvat.state.trouble = (asked) => {
      if (isUpload(asked) && ++uploads === 2) cvat.tokens.clear();
      return undefined;
    };
    await expectRejection('CVAT_REFUSED', run(task), 'token', 'revoked');
    expect(framesOf(task)).toEqual([1, 2, 3]);
    cvat.state.trouble = undefined;
    cvat.tokens.add('Bearer pat_new');
    client = createCvatClient({ url: cvat.url, token: 'pat_new' });
    const { result } = await run(task);
    expect(framesOf(task)).toEqual([1, 2, 3, 4, 5, 6, 7]);
    expect(result.shapes).toBe(4);
  });

  it('goes past a frame it cannot read and does it again the next time', async () => {
    const task = await smallTask(4);
    const good = task.frames[2]?.bytes as Uint8Array;
    const broken: PredictFrame = async (image, labels, frame) => {
      if (frame === 2)
        throw Object.assign(await expectRejection('REFERENCE_MISSING', planOf(task, { referenceFrames: [1] })), {
          code: 'IMAGE_UNREADABLE',
        });
      return predict(image, labels, frame);
    };
    expect((await run(task, { predict: broken })).result).toMatchObject({ failed: 1, predicted: 2 });
    expect(framesOf(task)).toEqual([1, 3]);
    expect(good.length).toBeGreaterThan(0);
    expect((await run(task)).result).toMatchObject({ failed: 0, predicted: 1 });
    expect(framesOf(task)).toEqual([1, 2, 3]);
  });

  it('tells of shapes that CVAT drops without a word', async () => {
    const task = await smallTask(4);
    const plan = await planOf(task);
    Object.assign(task.jobs[0] as object, { stop_frame: 2 }); // shortened meanwhile
    expect((await run(task, { plan })).result).toMatchObject({ shapes: 2, lost: 1 });
  });

  it('sends no mask of another size than CVAT says', async () => {
    const task = await smallTask(3);
    const wrong: PredictFrame = (_, [label = '']) =>
      Promise.resolve([{ label, mask: { ...emptyMask(HEIGHT, WIDTH), data: new Uint8Array(WIDTH * HEIGHT).fill(1) }, score: 1 }]);
    expect((await run(task, { predict: wrong })).result).toMatchObject({ failed: 2, shapes: 0 });
    expect(cvat.asked.filter(isUpload)).toEqual([]);
  });

  it('takes back what nobody touched, and only that', async () => {
    const task = await smallTask(6);
    const { log } = await run(task);
    const [first, second] = cvat.shapes(task).filter(({ source }) => source === 'auto');
    if (!first || !second) throw new Error('two shapes were expected');
    first.source = 'semi-auto'; // edited by hand
    for (const job of task.jobs) job.shapes = job.shapes.filter(({ id }) => id !== second.id); // deleted by hand
    expect(await undoRun(client, log, task.id)).toEqual({ removed: 3, kept: 1, gone: 1 });
    expect(
      cvat
        .shapes(task)
        .map(({ source }) => source)
        .sort(),
    ).toEqual(['manual', 'semi-auto']);
    expect(await undoRun(client, log, task.id)).toEqual({ removed: 0, kept: 0, gone: 0 });
  });

  it('forgets nothing where the job is another one, as another CVAT at the same address has it', async () => {
    const task = await smallTask(4);
    const { log } = await run(task);
    const other = await smallTask(4);
    const [job] = task.jobs;
    Object.assign(job ?? {}, { task_id: other.id, shapes: [] });
    await expectRejection('CVAT_FAILED', undoRun(client, log, task.id), `expected a job of task ${task.id}`);
    expect([...log.stored.values()].flat()).toHaveLength(3);
  });
});

describe('the log of a run', () => {
  it('survives a line that was cut off', async () => {
    const task = await smallTask(8);
    const { log } = await run(task, { plan: await planOf(task, { frames: new Set([1, 2, 3]) }) });
    writeFileSync(log.path, `${readFileSync(log.path, 'utf8')}{"event":"sto`);
    const { result } = await run(task);
    expect(result.shapes).toBe(4);
    const again = await openRunLog(log.path);
    opened.push(again);
    expect(again.done.size).toBe(7);
  });

  it('is not taken for the log of another run', async () => {
    const task = await smallTask(3);
    const { log } = await run(task);
    await expectRejection(
      'OPTION_INVALID',
      openRunLog(log.path, { server: cvat.url, task: task.id, settings: { form: 'polygon' } }),
      'run.jsonl',
    );
    writeFileSync(join(folder, 'other.txt'), 'hello\nworld\n{}\n');
    await expectRejection('OPTION_INVALID', openRunLog(join(folder, 'other.txt')), 'line');
  });
});
