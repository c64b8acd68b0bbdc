/**
 * `npm run bench:cvat`: how long a frame of a CVAT task takes by stage, and whether memory stays flat: large photographs, and a long
 * task. Everything runs here: a stand-in CVAT, the tiny model (or --model NAME).
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import sharp from 'sharp';
import { annotateTask } from '../src/adapters/cvat/rest-annotate.ts';
import { createCvatClient } from '../src/adapters/cvat/rest-client.ts';
import { planTask } from '../src/adapters/cvat/rest-plan.ts';
import { openRunLog } from '../src/adapters/cvat/rest-run-log.ts';
import { localPredictor } from '../src/cli/cvat-predictors.ts';
import { sceneWith } from '../src/cli/demo-scenes.ts';
import { startStandIn, TOKEN } from '../test/cvat/stand-in-cvat.ts';
import type { StandInFrame } from '../test/cvat/stand-in-forms.ts';
import { median } from './median.ts';

const { values } = parseArgs({ options: { model: { type: 'string' }, frames: { type: 'string' }, large: { type: 'string' } } });
const CONCEPT = 36;
const megabytes = (bytes: number): number => Math.round(bytes / 2 ** 20);

/** Different pictures in turn, so that no cache answers for the engine. */
async function framesOf(count: number, width: number, height: number): Promise<{ frames: StandInFrame[]; box: number[] }> {
  let box: number[] = [];
  const frames: StandInFrame[] = [];
  for (let i = 0; i < count; i++) {
    let seed = 1000 * (i + 1);
    const { image, truth } = sceneWith(CONCEPT, () => seed++);
    const picture = sharp(image.data, { raw: { width: image.width, height: image.height, channels: 3 } }).resize(width, height, {
      fit: 'fill',
    });
    frames.push({ name: `frame ${i}.jpg`, width, height, bytes: await picture.jpeg({ quality: 90 }).toBuffer() });
    if (i > 0) continue;
    const marked = [...truth.data.keys()].filter((at) => truth.data[at] !== 0);
    const [columns, rows] = [marked.map((at) => at % truth.width), marked.map((at) => Math.floor(at / truth.width))];
    const [x, y] = [width / truth.width, height / truth.height];
    box = [Math.min(...columns) * x, Math.min(...rows) * y, (Math.max(...columns) + 1) * x, (Math.max(...rows) + 1) * y];
  }
  return { frames, box };
}

async function measure(title: string, count: number, width: number, height: number): Promise<void> {
  const cvat = await startStandIn();
  const folder = mkdtempSync(join(tmpdir(), 'prosam-bench-cvat-'));
  const { frames, box } = await framesOf(count, width, height);
  const task = cvat.addTask({ frames, labels: [{ name: 'thing' }], jobSize: 100 });
  cvat.addShape(task, { type: 'rectangle', frame: 0, label: 'thing', points: box });
  const client = createCvatClient({ url: cvat.url, token: TOKEN });
  const plan = await planTask({ client, target: { task: task.id }, referenceFrames: [0], form: 'mask' });
  const predictor = await localPredictor(plan.references, values.model === undefined ? {} : { model: values.model }, { method: 'prosam' });
  const log = await openRunLog(join(folder, 'run.jsonl'), { server: cvat.url, task: task.id, settings: {} });
  const stages = { fetch: [] as number[], predict: [] as number[], shapes: [] as number[], upload: [] as number[] };
  const memory: number[] = [];
  const started = performance.now();
  const result = await annotateTask({
    ...{ client, plan, predict: predictor.predict, log, form: 'mask', instances: false },
    onFrame: ({ milliseconds }) => {
      for (const stage of ['fetch', 'predict', 'shapes'] as const) stages[stage].push(milliseconds[stage]);
      memory.push(process.memoryUsage.rss());
    },
    onUpload: (milliseconds, shapes) => stages.upload.push(milliseconds / shapes),
  });
  const seconds = (performance.now() - started) / 1000;
  await predictor.close();
  await log.close();
  await cvat.close();
  rmSync(folder, { recursive: true });
  console.log(
    `\n${title}: ${result.predicted} of ${result.frames} frames with masks in ${seconds.toFixed(1)} s, ${(seconds / result.frames).toFixed(2)} s a frame, ${result.lost} lost`,
  );
  for (const [stage, list] of Object.entries(stages))
    console.log(`  ${stage.padEnd(8)} median ${median(list).toFixed(1)} ms a frame, worst ${Math.max(...list).toFixed(1)} ms`);
  const at = (share: number): number => megabytes(memory[Math.min(memory.length - 1, Math.floor(share * memory.length))] ?? 0);
  console.log(
    `  memory after a tenth ${at(0.1)} MB, half ${at(0.5)} MB, all ${at(1)} MB; most ${megabytes(Math.max(...memory))} MB (with the stand-in's frames)`,
  );
}

await measure('12-megapixel frames', Number(values.large ?? 8) + 1, 4000, 3000);
await measure('a long task of 640 x 480', Number(values.frames ?? 200) + 1, 640, 480);
