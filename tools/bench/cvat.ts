/**
 * `npm run bench:cvat`: how long a frame of a CVAT task takes by stage, and whether memory stays flat: large photographs, and a long
 * task. Everything runs here: a stand-in CVAT, the tiny model (or --model NAME). Before that, the answer to a click in a large photograph
 * by version of CVAT: its bytes, its time and how long it keeps everybody else waiting (--answers: that alone).
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import sharp from 'sharp';
import { interactorResponse } from '../../src/adapters/cvat/nuclio/interactor-response.ts';
import { annotateTask } from '../../src/adapters/cvat/annotate/annotate.ts';
import { createCvatClient } from '../../src/adapters/cvat/api/client.ts';
import { planTask } from '../../src/adapters/cvat/annotate/plan.ts';
import { openRunLog } from '../../src/adapters/cvat/annotate/run-log.ts';
import { localPredictor } from '../../src/cli/cvat/predictors.ts';
import { sceneWith } from '../../src/scenes/scene-with.ts';
import type { BinaryMask } from '../../src/core/mask/label-reduction.ts';
import { boundingBox } from '../../src/core/mask/raster.ts';
import { startStandIn, TOKEN } from '../../test/integrations/cvat/stand-in-cvat.ts';
import type { StandInFrame } from '../../test/integrations/cvat/stand-in-forms.ts';
import { median } from './median.ts';

const { values } = parseArgs({
  options: {
    model: { type: 'string' },
    frames: { type: 'string' },
    large: { type: 'string' },
    responses: { type: 'boolean', default: false },
  },
});
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

/** A disc, or one with a ragged border: more runs and corners. */
function disc(width: number, height: number, diameter: number, ragged: number): BinaryMask {
  const data = new Uint8Array(width * height);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++)
      if (Math.hypot(x - width / 2, y - height / 2) + ragged * Math.sin(x / 2) * Math.cos(y / 3) < diameter / 2) data[y * width + x] = 1;
  return { data, width, height };
}

/** Most CPU time between two turns of the event loop while something is made: other programs on the machine do not count. Milliseconds. */
async function longestBlock(make: () => Promise<unknown>): Promise<number> {
  const state = { longest: 0, ended: false };
  const watching = (async () => {
    for (let last = process.cpuUsage(); !state.ended;) {
      await new Promise((resolve) => setImmediate(resolve));
      const { user, system } = process.cpuUsage(last);
      state.longest = Math.max(state.longest, (user + system) / 1000);
      last = process.cpuUsage();
    }
  })();
  await make();
  state.ended = true;
  await watching;
  return state.longest;
}

async function measureAnswers(): Promise<void> {
  const [width, height] = [4000, 3000];
  const { signal } = new AbortController();
  console.log('\nthe answer to a click in 12 megapixels');
  for (const [title, mask] of [
    ['a disc 1500 pixels across', disc(width, height, 1500, 0)],
    ['one with a ragged border', disc(width, height, 1500, 60)],
    ['all of the photograph', { data: new Uint8Array(width * height).fill(1), width, height }],
  ] as const) {
    const box = boundingBox(mask);
    const object = box && { object: { mask, box } };
    for (const [dialect, versions] of [
      ['shapes', '2.60 and later'],
      ['mask', 'before 2.60'],
      ['either', 'version unknown'],
    ] as const) {
      const times: number[] = [];
      const blocks: number[] = [];
      let bytes = 0;
      for (let run = 0; run < 7; run++) {
        const started = performance.now();
        blocks.push(
          await longestBlock(async () => {
            bytes = (await interactorResponse({ width, height, ...object }, { dialect, tolerance: 1, signal })).length;
          }),
        );
        times.push(performance.now() - started);
      }
      console.log(
        `  ${title}, ${versions}: ${(bytes / 1000).toFixed(1)} kB, median ${median(times).toFixed(0)} ms, longest block median ${median(blocks).toFixed(0)} ms, worst ${Math.max(...blocks).toFixed(0)} ms`,
      );
    }
  }
}

await measureAnswers();
if (values.responses) process.exit();

await measure('12-megapixel frames', Number(values.large ?? 8) + 1, 4000, 3000);
await measure('a long task of 640 x 480', Number(values.frames ?? 200) + 1, 640, 480);
