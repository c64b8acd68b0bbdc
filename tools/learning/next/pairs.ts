/** Every image of a simulated project compared with every possible reference once, so that a step of a simulation costs no network. */
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { sampleWithout, seededRandom } from '../../../src/core/common/random.ts';
import type { ImageFeatures } from '../../../src/core/engine/image-features.ts';
import { cosinesTo } from '../../../src/core/engine/methods/feature-contrast.ts';
import type { PreparedReference } from '../../../src/core/engine/references.ts';
import type { MethodContext } from '../../../src/core/engine/methods/method.ts';
import { comparedMap } from '../../../src/core/engine/methods/compared-map.ts';
import { evenly } from '../../../src/core/common/evenly.ts';
import { visibleIndices } from '../../../src/core/image/geometry.ts';
import type { Frozen } from '../frozen.ts';
import { imagesOf, imagesWithout, type ProjectImage, type ProjectPlan } from '../projects.ts';

/** Images of a project that show the label, that do not, and to measure on; fewer of the first where a set is small. */
const [SHOWING, WITHOUT, HELD_OUT, MIN_HELD_OUT] = [24, 24, 12, 8];

/** Images of one label: the first `showing` of the pool show it. */
export interface Pool {
  pool: readonly ProjectImage[];
  showing: number;
  heldOut: readonly ProjectImage[];
}

export function openPool(data: string, plan: ProjectPlan): Pool {
  const found = sampleWithout(seededRandom(77), imagesOf(data, plan), SHOWING + HELD_OUT);
  const held = Math.max(MIN_HELD_OUT, Math.min(HELD_OUT, found.length - SHOWING));
  const showing = found.slice(held);
  const without = sampleWithout(seededRandom(78), imagesWithout(data, plan), WITHOUT);
  return { pool: [...showing, ...without], showing: showing.length, heldOut: found.slice(0, held) };
}

/** A target and a reference: largest cosines per cell, and how well the object is found again. */
export interface Pair {
  object: Float32Array;
  rest: Float32Array;
  found: number;
}

/** Pool and images to measure on as targets, the images that show the label as references. */
export interface Compared {
  targets: readonly ImageFeatures[];
  references: readonly PreparedReference[];
  /** [targets][references]; a target is not compared with itself */
  pairs: readonly (readonly Pair[])[];
}

export async function compared(frozen: Frozen, { pool, showing, heldOut }: Pool, file: string): Promise<Compared> {
  const targets: ImageFeatures[] = [];
  for (const image of [...pool, ...heldOut]) targets.push(await frozen.features(image.file));
  const references: PreparedReference[] = [];
  for (const image of pool.slice(0, showing)) references.push(await frozen.reference(image.file, image.truth));
  const cells = (targets[0] as ImageFeatures).mid.shape.slice(2).reduce((product, side) => product * side, 1);
  const size = 2 * cells + 1;
  if (!existsSync(file)) {
    const values = new Float32Array(targets.length * references.length * size);
    for (const [t, target] of targets.entries()) {
      const context = frozen.context();
      for (const [r, reference] of references.entries()) {
        if (t === r) continue;
        const matching = context.networks.matching.nearest;
        const { object, rest } = await cosinesTo(context, target, [reference], matching);
        const at = (t * references.length + r) * size;
        values.set(object, at);
        values.set(rest, at + cells);
        values[at + 2 * cells] = await foundIn(context, target, reference);
      }
    }
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(`${file}.part`, new Uint8Array(values.buffer));
    renameSync(`${file}.part`, file);
  }
  const bytes = new Uint8Array(readFileSync(file));
  const values = new Float32Array(bytes.buffer, 0, bytes.byteLength / 4);
  const pairs = targets.map((_, t) =>
    references.map((__, r) => {
      const at = (t * references.length + r) * size;
      return {
        object: values.subarray(at, at + cells),
        rest: values.subarray(at + cells, at + 2 * cells),
        found: values[at + 2 * cells] as number,
      };
    }),
  );
  return { targets, references, pairs };
}

/** Cells of a reference that are looked for, as the engine does it (trust/forward.ts), by the network instead of a loop. */
const LOOKED_FOR = 48;

async function foundIn(context: MethodContext, target: ImageFeatures, reference: PreparedReference): Promise<number> {
  const { parts } = context.networks.matching.nearest;
  const seen = comparedMap(target, parts);
  const shown = comparedMap(reference.features, parts);
  const marked = [...reference.cells.keys()].filter((cell) => reference.cells[cell] !== 0);
  const sampled = evenly(marked, LOOKED_FOR);
  const channels = shown.map.shape[1] as number;
  const columns = { data: new Float32Array(channels * sampled.length), shape: [1, channels, 1, sampled.length] };
  const own = shown.map.data.length / channels;
  for (let c = 0; c < channels; c++)
    sampled.forEach((cell, i) => (columns.data[c * sampled.length + i] = shown.map.data[c * own + cell] as number));
  const rows = await context.once(`rows ${target.key}`, () => {
    const visible = visibleIndices(context.geometry, target);
    const cells = seen.map.data.length / channels;
    const data = new Float32Array(visible.length * channels);
    visible.forEach((cell, row) => {
      for (let c = 0; c < channels; c++) data[row * channels + c] = seen.map.data[c * cells + cell] as number;
    });
    return Promise.resolve({ data, shape: [visible.length, channels] });
  });
  const best = await context.networks.nearestCosine(rows, columns, seen.widths);
  return best.reduce((sum, value) => sum + value, 0) / Math.max(1, best.length);
}
