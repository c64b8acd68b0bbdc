/** Known answers of the photo model, computed with the networks' own functions on any of the project's runtimes. */
import { join } from 'node:path';
import { promptEncoderTensors } from '../../src/core/checkpoint/names/prompt-encoder.ts';
import { samTensors } from '../../src/core/checkpoint/names/sam.ts';
import { openModel } from '../../src/core/checkpoint/model-folder.ts';
import { coarsePrompt } from '../../src/core/engine/methods/coarse-prompt.ts';
import { drawnPrompt } from '../../src/core/engine/methods/drawn-prompts.ts';
import { normalise } from '../../src/core/image/preprocess.ts';
import { reduceLabels } from '../../src/core/mask/label-reduction.ts';
import { resizeNearest } from '../../src/core/mask/resize-map.ts';
import { gridSize, type PromptEncoderConfig } from '../../src/core/networks/config.ts';
import type { Ops, Weights } from '../../src/core/networks/ops.ts';
import { pseudoMask } from '../../src/core/networks/pseudo-mask.ts';
import { samImageEncoder } from '../../src/core/networks/sam-image-encoder.ts';
import { samMaskDecoder } from '../../src/core/networks/sam-mask-decoder.ts';
import { POINT_KINDS, samMaskEmbedding, samPointEmbeddings, type PointKind } from '../../src/core/networks/sam-prompt-encoder.ts';
import { encodeReference, encodeTarget } from '../../src/core/networks/variational-prompt-encoder.ts';
import { markedCells } from '../../src/core/onnx/marked-cells.ts';
import { imageEncoderGraph } from '../../src/core/onnx/model-graphs.ts';
import type { Tensor } from '../../src/core/onnx/session.ts';
import { execute, type Build } from './execute.ts';
import { readTensors, type Engines, type GoldenSet, type NumberTensor } from './golden-set.ts';
import { inRowsAndColumns } from './sam2-inputs.ts';

type Named<T> = Record<string, T>;

export type KnownTensors = ReadonlyMap<string, NumberTensor>;

/** Kinds of points by SAM's numbers. */
const KINDS: Readonly<Record<number, PointKind>> = { [-1]: 'padding', 0: 'negative', 1: 'positive', 2: 'boxTopLeft', 3: 'boxBottomRight' };

interface PointRows {
  rows: { x: number; y: number; kind: PointKind }[];
  inputs: { xy: Tensor; kinds: Tensor };
}

/** Points of a case, in pixels of SAM's input. */
export function pointsOf(known: KnownTensors, name: string): PointRows {
  const coords = tensorOf(known, `in.${name}.coords`).data;
  const labels = Array.from(tensorOf(known, `in.${name}.labels`).data);
  const rows = labels.map((label, i) => ({
    x: coords[2 * i] as number,
    y: coords[2 * i + 1] as number,
    kind: KINDS[label] as PointKind,
  }));
  const flat = rows.flatMap(({ kind }) => POINT_KINDS.map((one) => (one === kind ? 1 : 0)));
  return {
    rows,
    inputs: {
      xy: { data: Float32Array.from(coords), shape: [1, rows.length, 2] },
      kinds: { data: Float32Array.from(flat), shape: [1, rows.length, POINT_KINDS.length] },
    },
  };
}

export function tensorOf(known: KnownTensors, name: string): NumberTensor {
  const tensor = known.get(name);
  if (tensor === undefined) throw new Error(`the known answer lacks ${name}`);
  return tensor;
}

/** A mask of 256 x 256 on SAM's input, 0/1. */
export function maskAt(known: KnownTensors, name: string, side: number): Uint8Array {
  const { data, shape } = tensorOf(known, name);
  const [height, width] = shape as [number, number];
  return resizeNearest(
    Uint8Array.from(data, (value) => (value > 0 ? 1 : 0)),
    { width, height },
    { width: side, height: side },
  );
}

/** Three planes of bytes as interleaved pixels. */
export function pixelsOf(known: KnownTensors, name: string): { data: Uint8Array; width: number; height: number; channels: 3 } {
  const { data, shape } = tensorOf(known, name);
  const [, height, width] = shape as [number, number, number];
  const size = height * width;
  return {
    data: Uint8Array.from({ length: 3 * size }, (_, i) => data[(i % 3) * size + Math.floor(i / 3)] as number),
    width,
    height,
    channels: 3,
  };
}

export const knownOf = (folder: string): KnownTensors => readTensors(join(folder, 'check.safetensors'));

/** Every step n of rows and columns. [..., h, w] -> [C, h / n, w / n] */
function everyNth({ data, shape }: Tensor, step: number): Float32Array {
  const [channels, height, width] = shape.slice(-3) as [number, number, number];
  const [rows, columns] = [height / step, width / step];
  return Float32Array.from({ length: channels * rows * columns }, (_, i) => {
    const [c, y, x] = [Math.floor(i / (rows * columns)), Math.floor(i / columns) % rows, i % columns];
    return data[(c * height + y * step) * width + x * step] as number;
  });
}

/** Outputs under the names of the known answer, without `out.`. */
export async function smallOutputs(folder: string, known: KnownTensors, engines: Engines): Promise<Map<string, ArrayLike<number>>> {
  const { manifest } = await openModel(folder);
  const { config, mean, std } = manifest.sam;
  const encoder = manifest.prompt_encoder as NonNullable<typeof manifest.prompt_encoder>;
  const weights = { sam: { file: manifest.sam.file, config: {} }, encoder: { file: encoder.file, config: {} } };
  const set: GoldenSet = { dir: folder, manifest: { set: 'small', cases: [], weights }, engines };
  const sam = (inputs: Named<Tensor>, build: Build): Promise<Named<Tensor>> => execute(set, 'sam', inputs, build, samTensors);
  const prompts = (inputs: Named<Tensor>, build: Build): Promise<Named<Tensor>> =>
    execute(set, 'encoder', inputs, build, (tensors, label) => promptEncoderTensors(tensors, label).tensors);
  const grid = gridSize(config);
  const out = new Map<string, ArrayLike<number>>();
  const put = (name: string, values: ArrayLike<number>): void => void out.set(name, values);

  const encoded = async (name: string): Promise<Named<Tensor>> => {
    const pixels = pixelsOf(known, name);
    const image = { data: normalise(pixels, { mean, std }), shape: [1, 3, config.imageSize, config.imageSize] };
    return sam({ image }, (ops, w, i) => {
      const { taps = [], ...more } = samImageEncoder(ops, w, config, i['image'] as never);
      const highRes = more.highRes as { highRes0: never; highRes1: never };
      // The graph that the engine runs, where it gives the backbone's maps.
      const engine = imageEncoderGraph(manifest).build(ops, w, { image: i['image'] as never });
      return {
        ...Object.fromEntries(taps.map((tap, n) => [`tap${n}`, tap])),
        ...{ embedding: more.embedding, ...highRes, mid: engine['mid'] as never, high: engine['high'] as never },
        s0: inRowsAndColumns(ops, highRes.highRes0, grid, 2),
        s1: inRowsAndColumns(ops, highRes.highRes1, grid, 1),
      };
    });
  };
  const [reference, target] = [await encoded('in.reference'), await encoded('in.target')];
  const at = (features: Named<Tensor>, name: string): Tensor => features[name] as Tensor;
  put('target_tap0', everyNth(at(target, 'tap0'), 4));
  put('target_tap1', everyNth(at(target, 'tap1'), 2));
  put('target_tap2', at(target, 'tap2').data);
  put('target_tap3', at(target, 'tap3').data);
  put('target_s0_every4', everyNth(at(target, 's0'), 4));
  put('target_s1_every2', everyNth(at(target, 's1'), 2));
  put('target_embedding', at(target, 'embedding').data);
  put('target_mid_every2', everyNth(at(target, 'mid'), 2));

  const side = config.imageSize;
  const mask = { data: maskAt(known, 'in.reference_mask_256', side), width: side, height: side };
  const cells = reduceLabels(mask, { columns: grid, rows: grid, spanX: side, spanY: side }, encoder.label_reduction);
  put('reference_cells', cells);
  const marked = markedCells(at(reference, 'high'), cells, true) as NonNullable<ReturnType<typeof markedCells>>;
  const { pseudo } = (await execute(set, undefined, { ...marked, target: at(target, 'high') }, (ops, _, i) => ({
    pseudo: pseudoMask(ops, i['cells'] as never, i['target'] as never, i['floor'] as never, encoder.config.pseudoNorm),
  }))) as { pseudo: Tensor };
  put('pseudo_mask', pseudo.data);
  const found = await promptsOf(prompts, encoder.config, { reference, target, cells, pseudo });
  put('mu', found.mu.data);
  put('log_sigma', found.logSigma.data);
  put('coarse', found.coarse.data);

  const view = { embedding: at(target, 'embedding'), highRes0: at(target, 'highRes0'), highRes1: at(target, 'highRes1') };
  const low = 4 * grid;
  type Sparse = <T>(ops: Ops<T>, w: Weights<T>, i: Readonly<Named<T>>) => T;
  const decoded = async (name: string, inputs: Named<Tensor>, sparse: Sparse): Promise<Float32Array> => {
    const { logits, iou } = (await sam({ ...view, ...inputs }, <T>(ops: Ops<T>, w: Weights<T>, i: Named<T>): Named<T> => {
      const highRes = { highRes0: i['highRes0'] as T, highRes1: i['highRes1'] as T };
      const dense = i['mask'] === undefined ? {} : { dense: samMaskEmbedding(ops, w, config, i['mask']) };
      return {
        ...samMaskDecoder(ops, w, config, { embedding: i['embedding'] as T, highRes, prompts: sparse(ops, w, i), ...dense }, 'all'),
      };
    })) as { logits: Tensor; iou: Tensor };
    put(`${name}.low_res_logits`, logits.data);
    put(`${name}.iou`, iou.data);
    return logits.data.slice(0, low * low);
  };
  const own: Sparse = (ops, w, i) => samPointEmbeddings(ops, w, config, i['xy'] as never, i['kinds'] as never);
  const given: Sparse = (_, __, i) => i['prompts'] as never;

  const drawn = async (name: string, from: string, previous?: Float32Array): Promise<Float32Array> => {
    const { rows, inputs } = pointsOf(known, from);
    const data = drawnPrompt(
      low,
      rows,
      previous?.map((value) => Math.max(-8, Math.min(8, value))),
    );
    put(`${name}.drawn`, data);
    return decoded(name, { ...inputs, mask: { data, shape: [1, 1, low, low] } }, own);
  };
  const box = await drawn('box', 'box');
  await drawn('point', 'point');
  const points = await drawn('points', 'points');
  await drawn('refined', 'points', box);
  await drawn('boxed', 'boxed', points);
  for (const name of ['box', 'point', 'points']) {
    const { sparse } = await sam(pointsOf(known, name).inputs, (ops, w, i) => ({ sparse: own(ops, w, i) }));
    put(`${name}.sparse`, at({ sparse } as Named<Tensor>, 'sparse').data);
  }
  const drawing = { data: Float32Array.from(out.get('box.drawn') as Float32Array), shape: [1, 1, low, low] };
  const { dense } = await sam({ mask: drawing }, (ops, w, i) => ({ dense: samMaskEmbedding(ops, w, config, i['mask'] as never) }));
  put('box.dense', (dense as Tensor).data);

  const coarse = { mask: coarsePrompt(view, [found.coarse]) as Tensor };
  const padding = {
    xy: { data: new Float32Array(2), shape: [1, 1, 2] },
    kinds: { data: Float32Array.of(1, 0, 0, 0, 0), shape: [1, 1, 5] },
  };
  await decoded('prosam', { prompts: found.mu, ...coarse }, given);
  await decoded('prosam_without_coarse', { prompts: found.mu }, given);
  await decoded('coarse_only', { ...padding, ...coarse }, own);
  const matched = { data: pseudo.data.map((value) => (value - 0.5) * 8), shape: pseudo.shape };
  await decoded('pseudo_only', { ...padding, mask: coarsePrompt(view, [matched]) as Tensor }, own);
  return out;
}

/** Both halves of the prompt encoder. */
async function promptsOf(
  run: (inputs: Named<Tensor>, build: Build) => Promise<Named<Tensor>>,
  config: PromptEncoderConfig,
  { reference, target, cells, pseudo }: { reference: Named<Tensor>; target: Named<Tensor>; cells: Float32Array; pseudo: Tensor },
): Promise<{ mu: Tensor; logSigma: Tensor; coarse: Tensor }> {
  const inputs = { mid: target['mid'] as Tensor, seen: reference['mid'] as Tensor, mask: { data: cells, shape: pseudo.shape }, pseudo };
  const outputs = await run(inputs, <T>(ops: Ops<T>, w: Weights<T>, i: Named<T>): Named<T> => {
    const { prototype, queries } = encodeReference(ops, w, config, { mid: i['seen'] as T, mask: i['mask'] as T });
    const { mu, logSigma, coarse } = encodeTarget(ops, w, config, { mid: i['mid'] as T, pseudo: i['pseudo'] as T, prototype, queries });
    return { mu, logSigma: logSigma as T, coarse: coarse as T };
  });
  return outputs as { mu: Tensor; logSigma: Tensor; coarse: Tensor };
}
