/**
 * Hiera (Ryali et al., 2023) as SAM 2's trunk: four stages on 1/4, 1/8, 1/16 and 1/32 of the image's side, attention inside windows
 * except in a few blocks of the third, and no positions but one table at the input. Names are those of the original checkpoints.
 */
import { attendInPieces, mergeHeads, splitHeads } from './attention.ts';
import type { HieraConfig } from './config.ts';
import type { Ops, Weights } from './ops.ts';
import { inPieces } from './pieces.ts';
import { partition, unpartition } from './windows.ts';

const EPSILON = 1e-6;
/** Pixels along one cell of the first stage, and the convolution that makes it. */
export const PATCH_STRIDE = 4;
const PATCH_SIZE = 7;
const PATCH_PADDING = 3;

/**
 * Cells of a square map, window after window: x [B * windows, w * w, C]. A map in rows is one window as large as the map. Where
 * consecutive blocks attend in the same windows, nothing is moved between them.
 */
interface Cells<T> {
  x: T;
  /** Side of the map in cells. */
  side: number;
  /** Side of a window; divides `side`. */
  window: number;
}

export interface HieraFeatures<T> {
  /** Input of the first block. [B, S / 4, S / 4, E] */
  patches: T;
  /** Output of every block. [B, h, w, C] */
  blocks: readonly T[];
  /** Outputs of the four stages, finest first. [B, h, w, C] */
  stages: readonly T[];
}

/** image [B, 3, S, S], normalised. weights: below `image_encoder.trunk.`. piece: values made at once. */
export function hiera<T>(ops: Ops<T>, weights: Weights<T>, config: HieraConfig, image: T, piece: number): HieraFeatures<T> {
  const batch = ops.shapeOf(image)[0] as number;
  const patches = embed(ops, weights, config, image);
  const side = ops.shapeOf(patches)[1] as number;
  let cells: Cells<T> = { x: inRows(ops, patches), side, window: side };
  const blocks: T[] = [];
  const stages: T[] = [];
  for (const plan of hieraBlocks(config)) {
    cells = block(ops, weights.under(`blocks.${plan.index}.`), plan, cells, batch, piece);
    blocks.push(asMap(ops, cells, batch));
    if (plan.endsStage) stages.push(blocks.at(-1) as T);
  }
  return { patches, blocks, stages };
}

/** One block's numbers. */
interface BlockPlan {
  index: number;
  widthIn: number;
  width: number;
  heads: number;
  hidden: number;
  /** Side of the windows on the block's input; 0 = global. */
  window: number;
  /** First block of stages 2 to 4: queries and shortcut are pooled 2 x 2. */
  pools: boolean;
  endsStage: boolean;
}

/** Blocks in order; the first of a stage still has the windows of the stage before. */
function hieraBlocks({ embedDim, numHeads, stages, globalAttBlocks, windowSpec, mlpRatio }: HieraConfig): BlockPlan[] {
  const plans: BlockPlan[] = [];
  stages.forEach((count, stage) => {
    for (let i = 0; i < count; i++) {
      const index = plans.length;
      const pools = stage > 0 && i === 0;
      const width = embedDim * 2 ** stage;
      plans.push({
        index,
        widthIn: pools ? width / 2 : width,
        width,
        heads: numHeads * 2 ** stage,
        hidden: Math.trunc(width * mlpRatio),
        window: globalAttBlocks.includes(index) ? 0 : (windowSpec[pools ? stage - 1 : stage] as number),
        pools,
        endsStage: i === count - 1,
      });
    }
  });
  return plans;
}

/** Patches plus positions. -> [B, S / 4, S / 4, E] */
function embed<T>(ops: Ops<T>, weights: Weights<T>, config: HieraConfig, image: T): T {
  const { embedDim: width } = config;
  const projected = ops.conv2d(
    image,
    weights.get('patch_embed.proj.weight', [width, 3, PATCH_SIZE, PATCH_SIZE]),
    weights.get('patch_embed.proj.bias', [width]),
    { stride: PATCH_STRIDE, padding: PATCH_PADDING },
  ); // [B, E, S / 4, S / 4]
  const cells = ops.transpose(projected, [0, 2, 3, 1]);
  return ops.add(cells, hieraPositions(ops, weights, config, ops.shapeOf(projected)[2] as number));
}

/** The table that is added to the patches: one spread over the whole input, and one for every window. -> [1, side, side, E] */
export function hieraPositions<T>(ops: Ops<T>, weights: Weights<T>, config: HieraConfig, side: number): T {
  const { embedDim: width, windowPosEmbedBkgSpatialSize, windowSpec } = config;
  const [rows, columns] = windowPosEmbedBkgSpatialSize;
  const window = windowSpec[0];
  const background = ops.reshape(weights.get('pos_embed', [1, width, rows, columns]), [width, rows, columns]);
  const along = (from: number): T => ops.constant(bicubicMatrix(from, side), [side, from]);
  const spread = ops.matMul(ops.matMul(along(rows), background), along(columns), { transposeB: true }); // [E, S / 4, S / 4]
  const tiles = side / window;
  const tiled = ops.add(
    ops.reshape(spread, [width, tiles, window, tiles, window]),
    ops.reshape(weights.get('pos_embed_window', [1, width, window, window]), [width, 1, window, 1, window]),
  );
  return ops.transpose(ops.reshape(tiled, [1, width, side, side]), [0, 2, 3, 1]);
}

/** PyTorch's bicubic kernel without antialiasing. */
const CUBIC_A = -0.75;

/** Bicubic interpolation along one axis as a matrix, half-pixel centres, taps outside clamped to the border. [to, from] */
function bicubicMatrix(from: number, to: number): Float32Array {
  const near = (t: number): number => ((CUBIC_A + 2) * t - (CUBIC_A + 3)) * t * t + 1; // |t| <= 1
  const far = (t: number): number => ((CUBIC_A * t - 5 * CUBIC_A) * t + 8 * CUBIC_A) * t - 4 * CUBIC_A; // 1 < |t| < 2
  const matrix = new Float64Array(to * from);
  for (let row = 0; row < to; row++) {
    const source = ((row + 0.5) * from) / to - 0.5;
    const first = Math.floor(source);
    const t = source - first;
    [far(1 + t), near(t), near(1 - t), far(2 - t)].forEach((weight, tap) => {
      const column = Math.min(from - 1, Math.max(0, first - 1 + tap));
      matrix[row * from + column] = (matrix[row * from + column] as number) + weight;
    });
  }
  return Float32Array.from(matrix);
}

/** [B, h, w, C] -> [B, h * w, C] */
function inRows<T>(ops: Ops<T>, map: T): T {
  const [batch, height, width, channels] = ops.shapeOf(map) as [number, number, number, number];
  return ops.reshape(map, [batch, height * width, channels]);
}

/** -> [B, side, side, C] */
function asMap<T>(ops: Ops<T>, { x, side, window }: Cells<T>, batch: number): T {
  if (window !== side) return unpartition(ops, x, window, [batch, side, side]);
  return ops.reshape(x, [batch, side, side, ops.shapeOf(x)[2] as number]);
}

/** The same cells in other windows, which divide the map. */
function arranged<T>(ops: Ops<T>, cells: Cells<T>, window: number, batch: number): Cells<T> {
  if (cells.window === window) return cells;
  const map = asMap(ops, cells, batch);
  return { ...cells, window, x: window === cells.side ? inRows(ops, map) : partition(ops, map, window) };
}

function block<T>(ops: Ops<T>, weights: Weights<T>, plan: BlockPlan, cells: Cells<T>, batch: number, piece: number): Cells<T> {
  const { side } = cells;
  const window = plan.window === 0 ? side : plan.window;
  const half = plan.pools ? 2 : 1;
  const layers = blockLayers(ops, weights, plan);
  if (window < side && side % window === 0) {
    // Nothing in the block looks beyond a window: whole blocks, window by window.
    const { x } = arranged(ops, cells, window, batch);
    const values = window ** 2 * Math.max(3 * plan.width, plan.hidden, plan.heads * window ** 2);
    const whole = (windows: T): T => {
      const normed = layers.norm('norm1', plan.widthIn, windows);
      const attended = layers.attend(normed, window, piece);
      return layers.perceive(ops.add(layers.shortcut(windows, normed, window), attended));
    };
    return { x: inPieces(ops, x, 0, 1, piece / values, whole), side: side / half, window: window / half };
  }
  const { x } = arranged(ops, cells, side, batch);
  const normed = layers.norm('norm1', plan.widthIn, x);
  const attended =
    window === side ? layers.attend(normed, side, piece) : attendPadded(ops, layers, plan, normed, { side, window, batch, piece });
  const y = ops.add(layers.shortcut(x, normed, side), attended);
  const pieces = piece / (batch * plan.hidden);
  return { x: inPieces(ops, y, 1, 1, pieces, layers.perceive), side: side / half, window: side / half };
}

/** Windows that stick out of the map: zeros put in after the norm attend, and are attended to, as what the projection makes of them. */
function attendPadded<T>(
  ops: Ops<T>,
  layers: BlockLayers<T>,
  { pools, heads }: BlockPlan,
  normed: T,
  { side, window, batch, piece }: { side: number; window: number; batch: number; piece: number },
): T {
  const half = pools ? 2 : 1;
  const windows = partition(ops, asMap(ops, { x: normed, side, window: side }, batch), window);
  const attended = inPieces(ops, windows, 0, 1, piece / (heads * window ** 4), (some) => layers.attend(some, window, piece));
  return inRows(ops, unpartition(ops, attended, window / half, [batch, side / half, side / half]));
}

interface BlockLayers<T> {
  norm(name: string, width: number, x: T): T;
  /** Attention inside windows. normed [N, w * w, C] -> [N, q * q, d] */
  attend(normed: T, window: number, piece: number): T;
  /** The sum's other term, beside attention. x, normed [N, w * w, C] -> [N, q * q, d] */
  shortcut(x: T, normed: T, window: number): T;
  /** The second half of the block. [N, n, d] -> the same */
  perceive: (x: T) => T;
}

function blockLayers<T>(ops: Ops<T>, weights: Weights<T>, { widthIn, width, heads, hidden, pools }: BlockPlan): BlockLayers<T> {
  const norm = (name: string, channels: number, x: T): T =>
    ops.layerNorm(x, weights.get(`${name}.weight`, [channels]), weights.get(`${name}.bias`, [channels]), EPSILON);
  const linear = (name: string, x: T, from: number, to: number): T =>
    ops.linear(x, weights.get(`${name}.weight`, [to, from]), weights.get(`${name}.bias`, [to]));
  return {
    norm,
    attend(normed, window, piece) {
      // Rows of one matrix, applied apart: what would be made at once has to be taken apart again, value by value.
      const weight = weights.get('attn.qkv.weight', [3 * width, widthIn]);
      const bias = weights.get('attn.qkv.bias', [3 * width]);
      const rows = (x: T, n: number): T => ops.slice(x, 0, n * width, (n + 1) * width);
      const part = (n: number): T => ops.linear(normed, rows(weight, n), rows(bias, n)); // [N, w * w, d]
      const split = (x: T): T => splitHeads(ops, x, heads); // [N, heads, n, d / heads]
      const queries = pools ? maxPool2(ops, part(0), window) : part(0);
      const attended = attendInPieces(ops, split(queries), split(part(1)), split(part(2)), piece);
      return linear('attn.proj', mergeHeads(ops, attended), width, width);
    },
    shortcut: (x, normed, window) => (pools ? maxPool2(ops, linear('proj', normed, widthIn, width), window) : x),
    perceive(x) {
      const inner = ops.gelu(linear('mlp.layers.0', norm('norm2', width, x), width, hidden));
      return ops.add(x, linear('mlp.layers.1', inner, hidden, width));
    },
  };
}

/** Largest of every 2 x 2 cells of a square. [N, w * w, C] -> [N, w * w / 4, C] */
function maxPool2<T>(ops: Ops<T>, x: T, window: number): T {
  const [count, , channels] = ops.shapeOf(x) as [number, number, number];
  const half = window / 2;
  const parts = ops.reshape(x, [count * half, 2, half, 2, channels]);
  return ops.reshape(ops.reduceMax(parts, [1, 3]), [count, half * half, channels]);
}
