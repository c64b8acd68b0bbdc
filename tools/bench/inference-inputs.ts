/** Inputs of both sides of tools/bench/inference.ts: two images, an annotation, and hashed numbers where a stage is measured alone. */
import { readFileSync, writeFileSync } from 'node:fs';
import { floatsFromTensor, parseSafetensors, safetensorsBytes, type TensorToWrite } from '../../src/core/checkpoint/formats/safetensors.ts';
import { reduceLabels } from '../../src/core/mask/label-reduction.ts';
import type { PixelImage } from '../../src/core/engine/types.ts';
import { hashedNoise } from '../../test/golden/hash-weights.ts';

/** Side of the pictures: SAM's own, so that only the backbone's input is resized. */
export const SIDE = 1024;
/** Side of SAM's grid, and of that of a ResNet at 512. */
export const GRID = 64;
export const PROMPTS = 50;
export const WIDTH = 256;
/** Samples of a prediction beside its mean. */
export const SAMPLES = 4;
/** Prompt sets of the largest decoder run. */
export const MAX_SETS = 10;
/** Cells across the marked square in the middle. */
const MARKED = 32;

/** [3, side, side] */
function pattern(): Uint8Array {
  const out = new Uint8Array(3 * SIDE * SIDE);
  for (let c = 0; c < 3; c++)
    for (let y = 0; y < SIDE; y++)
      for (let x = 0; x < SIDE; x++)
        out[(c * SIDE + y) * SIDE + x] = (((x * (3 + c)) >> 2) + ((y * (5 - c)) >> 3) + (((x >> 5) ^ (y >> 5)) & 1) * 64) & 255;
  return out;
}

/** 1 in the square in the middle. [side * side] */
export function middle(side: number): Float32Array {
  const half = (side * MARKED) / GRID / 2;
  const inside = (i: number): boolean => i >= side / 2 - half && i < side / 2 + half;
  return Float32Array.from({ length: side * side }, (_, i) => (inside(i % side) && inside(Math.floor(i / side)) ? 1 : 0));
}

/** Cells of the square in the middle on a feature grid, as the engine reduces a mask. [side * side] */
function markedCells(side: number): Float32Array {
  const mask = { data: Uint8Array.from(middle(SIDE)), width: SIDE, height: SIDE };
  return reduceLabels(mask, { columns: side, rows: side, spanX: SIDE, spanY: SIDE }, { kind: 'nearest' });
}

/** Sides of a model's grids. */
export interface Grids {
  /** The backbone's feature grid. @default GRID */
  grid?: number;
  /** SAM's. @default GRID */
  samGrid?: number;
}

export function writeInputs(path: string, { grid = GRID, samGrid = GRID }: Grids = {}): void {
  const target = pattern();
  const bytes = (data: Uint8Array): TensorToWrite => ({ dtype: 'U8', shape: [1, 3, SIDE, SIDE], bytes: data });
  const floats = (data: Float32Array, shape: number[]): TensorToWrite => ({ dtype: 'F32', shape, bytes: new Uint8Array(data.buffer) });
  const noise = (name: string, shape: number[]): TensorToWrite =>
    floats(
      hashedNoise(
        name,
        shape.reduce((a, b) => a * b),
      ),
      shape,
    );
  const pseudo = hashedNoise('pseudo', grid * grid).map((value) => Math.abs(value) / 2);
  writeFileSync(
    path,
    safetensorsBytes({
      target: bytes(target),
      reference: bytes(target.map((value) => 255 - value)),
      cells: floats(markedCells(grid), [1, 1, grid, grid]),
      pseudo: floats(pseudo, [1, 1, grid, grid]),
      embedding: noise('embedding', [1, WIDTH, samGrid, samGrid]),
      highRes0: noise('highRes0', [1, 16 * samGrid ** 2, WIDTH / 8]),
      highRes1: noise('highRes1', [1, 4 * samGrid ** 2, WIDTH / 4]),
      mask: noise('mask', [1, 1, 4 * samGrid, 4 * samGrid]),
      prompts: noise('prompts', [MAX_SETS, PROMPTS, WIDTH]),
      eps: noise('eps', [SAMPLES, PROMPTS, WIDTH]),
    }),
  );
}

export interface Inputs {
  picture(name: 'target' | 'reference'): PixelImage;
  floats(name: 'cells' | 'pseudo' | 'embedding' | 'highRes0' | 'highRes1' | 'mask' | 'prompts' | 'eps'): {
    data: Float32Array;
    shape: readonly number[];
  };
}

export function readInputs(path: string): Inputs {
  const bytes = new Uint8Array(readFileSync(path));
  const { tensors } = parseSafetensors(bytes, path);
  const raw = (name: string) => {
    const entry = tensors.get(name);
    if (entry === undefined) throw new Error(`${path} has no ${name}`);
    return { entry, part: bytes.subarray(entry.offset, entry.offset + entry.byteLength) };
  };
  return {
    picture(name) {
      const { part } = raw(name);
      const plane = SIDE * SIDE;
      const data = Uint8Array.from({ length: 3 * plane }, (_, i) => part[(i % 3) * plane + Math.floor(i / 3)] as number);
      return { data, width: SIDE, height: SIDE, channels: 3 };
    },
    floats(name) {
      const { entry, part } = raw(name);
      return { data: floatsFromTensor(entry, part, name), shape: entry.shape };
    },
  };
}
