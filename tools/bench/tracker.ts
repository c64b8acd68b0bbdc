/**
 * Objects followed through frames, on sequences MADE of real cut-outs with known motion (tracker/sequences.ts): the mask of the first frame left
 * where it was, every frame predicted from the first one's mask, and the tracker; then the same for boxes, where the tracker is given a box alone.
 *   npm run bench:tracker -- [--data DIR] [--model M] [--split 0|1] [--objects N] [--motion TEXT] [--pictures DIR] [--threads N]
 * Split 0 is what the constants were chosen on, split 1 what is reported; they share no object and no background.
 * IoU in every second frame after the first: of masks with the part that shows, of boxes with the whole object's box; where nothing shows, 1 for an answer
 * of nothing and 0 for any other.
 * Photos stay where they are: publish no picture whose license does not allow it.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { pngFromRgb } from '../../src/cli/common/draw.ts';
import { openModel } from '../../src/core/checkpoint/model-folder.ts';
import { modelFolder } from '../../src/core/checkpoint/model-paths.ts';
import { DEFAULT_SEED } from '../../src/core/engine/defaults.ts';
import { createEngineCore } from '../../src/core/engine/engine.ts';
import { boxOverlap, type Box } from '../../src/core/engine/tracking/box.ts';
import type { PixelImage, Reference, TrackState } from '../../src/core/engine/types.ts';
import { nodeImageSource } from '../../src/core/image/node/source.ts';
import type { BinaryMask } from '../../src/core/mask/label-reduction.ts';
import { createNetworks } from '../../src/core/onnx/networks.ts';
import { nodeRuntime } from '../../src/core/runtime/node/ort-node.ts';
import { bootstrapMean } from '../../src/training/evaluation/bootstrap.ts';
import { openObjects, type CutOut } from './tracker/objects.ts';
import { makeSequence, MOTIONS, type MotionKind, type Sequence } from './tracker/sequences.ts';

const { values } = parseArgs({
  options: {
    data: { type: 'string', default: '../shared/data' },
    model: { type: 'string', default: 'small' },
    split: { type: 'string', default: '1' },
    objects: { type: 'string', default: '10' },
    motion: { type: 'string', default: '' },
    pictures: { type: 'string' },
    threads: { type: 'string', default: '1' },
  },
});
const WAYS = ['left where it was', 'frame by frame', 'tracker'] as const;
type Way = (typeof WAYS)[number];
/** Predicting frame by frame takes most of the time: all ways are compared in every second frame, losses counted in all. */
const EVERY = 2;
const KINDS = ['masks', 'boxes'] as const;
type Kind = (typeof KINDS)[number];

const model = await openModel(modelFolder(values.model));
// One for each way: features that one computed would be a gift to the other.
const open = () => {
  const networks = createNetworks(model, nodeRuntime({ threads: Number(values.threads) }));
  return createEngineCore({ model, networks, source: nodeImageSource(), cacheBytes: 2 ** 27 });
};
const [predicting, tracking] = [open(), open()];
const { objects, ...photos } = await openObjects(values.data, values.split === '0' ? 0 : 1);
const count = Math.min(Number(values.objects), objects.length);
const chosen = Array.from({ length: count }, (_, i) => objects[Math.floor((i * objects.length) / count)] as (typeof objects)[number]);

const times: Record<Way, number[]> = { 'left where it was': [], 'frame by frame': [], tracker: [] };
const encoded = { frames: 0, of: 0 };
const rows: Record<Kind, string[]> = { masks: [], boxes: [] };
for (const motion of MOTIONS.filter((one) => one.includes(values.motion))) {
  const scores = Object.fromEntries(KINDS.map((kind) => [kind, emptyScores()])) as Record<Kind, Record<Way, number[]>>;
  const lost = Object.fromEntries(KINDS.map((kind) => [kind, { guessed: 0, hidden: 0, missed: 0, shown: 0 }])) as Record<Kind, Losses>;
  for (const [i, object] of chosen.entries()) {
    const sequence = await sequenceOf(object, object.classId, i, motion);
    const results = await followed(sequence);
    for (const kind of KINDS) {
      for (const way of WAYS)
        scores[kind][way].push(mean(results[kind][way].map((found, k) => scoreOf(kind, found, sequence, EVERY * (k + 1)))));
      results.all[kind].forEach(({ box }, k) => countLoss(lost[kind], sequence.boxes[k + 1], box));
    }
    if (values.pictures !== undefined) await draw(values.pictures, sequence, results.all.masks);
  }
  for (const kind of KINDS) {
    const { guessed, hidden, missed, shown } = lost[kind];
    const cells = [
      motion,
      ...WAYS.map((way) => figures(scores[kind][way])),
      `${missed} of ${shown}`,
      hidden === 0 ? '-' : `${guessed} of ${hidden}`,
    ];
    rows[kind].push(cells.join(' | '));
  }
  console.error(rows.masks.at(-1));
}
await predicting.close();
await tracking.close();
for (const kind of KINDS) {
  console.log(`${values.model}, split ${values.split}, ${kind}: ${count} objects, 8 frames each; mean over the sequences, 95 % interval`);
  console.log(`motion | ${WAYS.join(' | ')} | visible, called lost | gone, yet found`);
  console.log(rows[kind].join('\n'));
}
for (const way of ['frame by frame', 'tracker'] as const)
  console.log(`${way}: median ${median(times[way]).toFixed(0)} ms, mean ${mean(times[way]).toFixed(0)} ms a frame of 400 x 320`);
console.log(
  `process: ${(process.cpuUsage().user / 1e6).toFixed(0)} s of user time in all; the tracker encoded ${encoded.frames} of ${encoded.of} frames`,
);

interface Losses {
  guessed: number;
  hidden: number;
  missed: number;
  shown: number;
}

function countLoss(losses: Losses, own: Box | undefined, found: Box | undefined): void {
  losses[own === undefined ? 'hidden' : 'shown']++;
  if (own === undefined && found !== undefined) losses.guessed++;
  if (own !== undefined && found === undefined) losses.missed++;
}

function emptyScores(): Record<Way, number[]> {
  return { 'left where it was': [], 'frame by frame': [], tracker: [] };
}

interface Found {
  mask?: BinaryMask;
  box?: Box;
}

async function sequenceOf(object: CutOut, classId: number, i: number, motion: MotionKind): Promise<Sequence> {
  const grounds = photos.backgroundsFor(classId);
  const [ground, cover] = [7 * i, 7 * i + 3].map((place) => grounds[place % grounds.length] as string) as [string, string];
  return makeSequence(object, await photos.read(ground), await photos.read(cover), motion, 100 + i);
}

async function followed({ frames, truth, boxes }: Sequence): Promise<Record<Kind, Record<Way, Found[]>> & { all: Record<Kind, Found[]> }> {
  const pixels = frames.map(({ data, width, height }): PixelImage => ({ data, width, height }));
  const [image, mask, box] = [pixels[0] as PixelImage, truth[0] as BinaryMask, boxes[0] as Box];
  const still = compared(pixels.slice(1)).map((): Found => ({ mask, box }));
  const each: Found[] = [];
  for (const target of compared(pixels.slice(1))) {
    const { masks } = await timed('frame by frame', () => predicting.predict(target, [{ image, mask }]));
    const [found] = masks;
    each.push(found?.boxXyxy ? { mask: found.mask, box: found.boxXyxy } : {});
  }
  const steps = async (first: Reference): Promise<Found[]> => {
    const found: Found[] = [];
    let state: TrackState | undefined;
    let recent: Reference | undefined;
    for (const target of pixels.slice(1)) {
      const step = await timed('tracker', () => tracking.track(target, first, { recent, state }));
      ({ state } = step);
      encoded.of++;
      if (step.milliseconds.embed !== undefined) encoded.frames++;
      const { mask: at, boxXyxy } = step;
      if (at && boxXyxy) recent = { image: target, mask: at };
      found.push(at && boxXyxy ? { mask: at, box: boxXyxy } : {});
    }
    return found;
  };
  const rest = { 'left where it was': still, 'frame by frame': each };
  const [byMask, byBox] = [await steps({ image, mask }), await steps({ image, box })];
  const all = { masks: byMask, boxes: byBox };
  return { all, masks: { ...rest, tracker: compared(byMask) }, boxes: { ...rest, tracker: compared(byBox) } };
}

/** Every second frame. */
function compared<T>(frames: readonly T[]): T[] {
  return frames.filter((_, i) => (i + 1) % EVERY === 0);
}

async function timed<T>(way: Way, work: () => Promise<T>): Promise<T> {
  const started = performance.now();
  const result = await work();
  times[way].push(performance.now() - started);
  return result;
}

function scoreOf(kind: Kind, { mask, box }: Found, { truth, boxes }: Sequence, frame: number): number {
  if (kind === 'boxes') {
    const own = boxes[frame];
    if (own === undefined) return box === undefined ? 1 : 0;
    return box === undefined ? 0 : boxOverlap(box, own);
  }
  const own = (truth[frame] as BinaryMask).data;
  let [both, either] = [0, 0];
  for (let i = 0; i < own.length; i++) {
    const [a, b] = [own[i] as number, mask?.data[i] ?? 0];
    both += a & b;
    either += a | b;
  }
  return either === 0 ? 1 : both / either;
}

function mean(list: readonly number[]): number {
  return list.reduce((sum, value) => sum + value, 0) / Math.max(1, list.length);
}

function median(list: readonly number[]): number {
  return [...list].sort((a, b) => a - b)[Math.floor(list.length / 2)] ?? 0;
}

function figures(list: readonly number[]): string {
  const { value, low, high } = bootstrapMean(list, DEFAULT_SEED);
  return `${value.toFixed(3)} (${low.toFixed(3)} to ${high.toFixed(3)})`;
}

/** Frames of a sequence below each other, what the tracker found in red. */
async function draw(folder: string, { name, frames }: Sequence, found: readonly Found[]): Promise<void> {
  mkdirSync(folder, { recursive: true });
  const [{ width, height }] = frames as [Sequence['frames'][number], ...Sequence['frames']];
  const data = new Uint8Array(3 * width * height * found.length);
  found.forEach(({ mask }, k) => {
    const from = (frames[k + 1] as Sequence['frames'][number]).data.slice();
    mask?.data.forEach((value, i) => {
      if (value !== 0) from[3 * i] = 255;
    });
    data.set(from, 3 * width * height * k);
  });
  writeFileSync(join(folder, `${name.replaceAll(/[^\w-]+/g, '-')}.png`), await pngFromRgb({ data, width, height: height * found.length }));
}
