/** Cases without a network: sampling, merging, resizing, labels, metrics, preprocessing; and inference end to end. */
import { samplePrompts, type DistributionKind } from '../../src/core/networks/prompt-distribution.ts';
import { longestSideInput, IMAGENET, normalise, stretchAligned } from '../../src/core/image/preprocess.ts';
import { pillowResize, type Raster } from '../../src/core/image/pillow-resize.ts';
import { reduceLabels } from '../../src/core/mask/label-reduction.ts';
import { confusion, confusionRates, EpisodeMeter } from '../../src/core/mask/metrics.ts';
import { boundingBox, emptyMask, fillBox, type Point } from '../../src/core/mask/raster.ts';
import { drawPixelStroke } from '../../src/core/mask/pixel-stroke.ts';
import { aboveZero, resizeMap, resizeNearest, type FloatMap } from '../../src/core/mask/resize-map.ts';
import { samMaskDecoder } from '../../src/core/networks/sam-mask-decoder.ts';
import { mergeLogits, STRATEGIES, type MergeStrategy } from '../../src/core/engine/strategy.ts';
import type { CaseRunners } from './cases.ts';
import { execute, valuesOf } from './execute.ts';
import type { GoldenCase } from './golden-set.ts';
import { samConfigOf } from './network-cases.ts';

type Values = Record<string, ArrayLike<number>>;
const MERGES = STRATEGIES.filter((strategy): strategy is MergeStrategy => strategy !== 'mean_prompt');

/** The planes of a tensor whose last two axes are height and width. */
function planes({ data, shape }: { data: Float32Array; shape: readonly number[] }): FloatMap[] {
  const [height, width] = shape.slice(-2) as [number, number];
  const size = height * width;
  return Array.from({ length: data.length / size }, (_, i) => ({ data: data.subarray(i * size, (i + 1) * size), width, height }));
}

function joined(parts: readonly ArrayLike<number>[]): number[] {
  return parts.flatMap((part) => Array.from(part));
}

/** [K, B, ...] noise for item b as [K, ...]. */
function samplesOf(tensor: { data: Float32Array; shape: readonly number[] }, b: number): Float32Array {
  const [samples, batch] = tensor.shape as [number, number];
  const size = tensor.data.length / samples / batch;
  return Float32Array.from(
    { length: samples * size },
    (_, i) => tensor.data[(Math.floor(i / size) * batch + b) * size + (i % size)] as number,
  );
}

/** z [K, B, m, c] of one kind from the case's mu, log sigma, eps and delta. */
function drawn(golden: GoldenCase, kind: DistributionKind): { data: Float32Array; shape: number[] } {
  const [mu, logSigma, eps, delta] = [golden.floats('mu'), golden.floats('log_sigma'), golden.floats('eps'), golden.floats('delta')];
  const [samples, batch, vectors, width] = eps.shape as [number, number, number, number];
  const config = { kind, nu: golden.param('nu') as number, n: golden.param('n') as number };
  const size = vectors * width;
  const out = new Float32Array(eps.data.length);
  for (let b = 0; b < batch; b++) {
    const part = (all: Float32Array): Float32Array => all.subarray(b * size, (b + 1) * size);
    const z = samplePrompts(config, part(mu.data), part(logSigma.data), { eps: samplesOf(eps, b), delta: samplesOf(delta, b) }, width);
    for (let k = 0; k < samples; k++) out.set(z.subarray(k * size, (k + 1) * size), (k * batch + b) * size);
  }
  return { data: out, shape: [samples, batch, vectors, width] };
}

async function endToEnd(golden: GoldenCase): Promise<Values> {
  const config = samConfigOf(golden);
  const embeddings = golden.floats('image_embeddings');
  const [height, width] = golden.param('size') as [number, number];
  const z = drawn(golden, 'student_t');
  const [samples, batch, vectors, depth] = z.shape as [number, number, number, number];
  const size = vectors * depth;
  const perImage = embeddings.data.length / batch;
  const meanPrompt: Float32Array[] = [];
  const sampled: Float32Array[][] = Array.from({ length: samples }, () => []);
  const out: Record<string, ArrayLike<number>[]> = {};
  for (let b = 0; b < batch; b++) {
    // Row 0 is mu, then the K samples: one image embedding serves them all.
    const prompts = Float32Array.from([...golden.floats('mu').data.subarray(b * size, (b + 1) * size), ...samplesOf(z, b)]);
    const inputs = {
      embedding: { data: embeddings.data.subarray(b * perImage, (b + 1) * perImage), shape: [1, ...embeddings.shape.slice(1)] },
      prompts: { data: prompts, shape: [1 + samples, vectors, depth] },
    };
    const { logits } = await execute(golden.set, 'sam', inputs, (ops, weights, i) => ({
      ...samMaskDecoder(ops, weights, config, { embedding: i['embedding'] as never, prompts: i['prompts'] as never }, 'single'),
    }));
    const [first, ...rest] = planes(logits as never).map((plane) => resizeMap(plane, width, height, 'aligned').data) as [
      Float32Array,
      ...Float32Array[],
    ];
    meanPrompt.push(first);
    rest.forEach((map, k) => sampled[k]?.push(map));
    for (const strategy of MERGES) {
      const field = mergeLogits(rest, strategy);
      if (strategy.endsWith('logits')) (out[strategy] ??= []).push(field);
      (out[`mask_${strategy}`] ??= []).push(aboveZero(field));
    }
    (out['mask_mean_prompt'] ??= []).push(aboveZero(first));
  }
  return {
    ...Object.fromEntries(Object.entries(out).map(([name, parts]) => [name, joined(parts)])),
    mean_prompt_logits: joined(meanPrompt),
    sample_logits: joined(sampled.flat()),
  };
}

function metricsCase(golden: GoldenCase): Values {
  const [predictions, truths, ignores] = [golden.bytes('pred'), golden.bytes('gt'), golden.bytes('ignore')];
  const classIds = golden.floats('class_id').data;
  const interest = golden.param('classes') as number[];
  const episodes = predictions.shape[0] as number;
  const size = predictions.data.length / episodes;
  const classes = golden.entry.expected['inter']?.shape[1] as number;
  const empty = Array.from({ length: classes }, (_, id) => id).find((id) => !classIds.includes(id));
  const out: Values = {};
  for (const suffix of ['', '_ignore']) {
    const meter = new EpisodeMeter(classes);
    const counted = golden.entry.expected['confusion_tp']?.shape[0] as number;
    const rows: Record<string, number[]> = {};
    for (let e = 0; e < episodes; e++) {
      const part = (all: Uint8Array): Uint8Array => all.subarray(e * size, (e + 1) * size);
      const ignore = suffix === '' ? undefined : part(ignores.data);
      meter.add(classIds[e] as number, part(predictions.data), part(truths.data), ignore);
      if (e >= counted) continue;
      const counts = confusion(part(predictions.data), part(truths.data), ignore);
      const rates = confusionRates(counts);
      const named = {
        ...counts,
        ...Object.fromEntries(Object.entries(rates).map(([name, value]) => [name.replace('Share', '_share'), value])),
      };
      for (const [name, value] of Object.entries(named)) (rows[name] ??= []).push(value);
    }
    out[`inter${suffix}`] = joined(meter.intersection);
    out[`union${suffix}`] = joined(meter.union);
    out[`class_iou${suffix}`] = interest.map((id) => meter.classIou(id));
    out[`miou${suffix}`] = [meter.miou(interest)];
    out[`fb_iou${suffix}`] = [meter.fbIou(interest)];
    if (empty !== undefined) out[`miou_with_empty_class${suffix}`] = [meter.miou([...interest, empty])];
    for (const [name, values] of Object.entries(rows)) out[`confusion_${name}${suffix}`] = values;
  }
  return out;
}

function scribbleCase(golden: GoldenCase): Values {
  const widths = golden.floats('widths').data;
  const out: Values = {};
  widths.forEach((width, i) => {
    const { data } = golden.floats(`path_${i}`);
    const [height, columns] = golden.entry.expected[`mask_${i}`]?.shape as [number, number];
    const path = Array.from({ length: data.length / 2 }, (_, j): Point => [data[2 * j] as number, data[2 * j + 1] as number]);
    const mask = emptyMask(columns, height);
    drawPixelStroke(mask, path, width);
    out[`mask_${i}`] = mask.data;
  });
  return out;
}

function preprocessCase(golden: GoldenCase): Values {
  const raster = (name: string): Raster => {
    const { data, shape } = golden.bytes(name);
    return { data, height: shape[0] as number, width: shape[1] as number, channels: 3 };
  };
  const size = golden.param('size') as number;
  const samSize = golden.param('sam_size') as number;
  const resized = [0, 1].map((i) => pillowResize(raster(`image_${i}`), size, size)) as [Raster, Raster];
  const labels = golden.bytes('labels');
  const from = { width: labels.shape[1] as number, height: labels.shape[0] as number };
  const small = resizeNearest(labels.data, from, { width: size, height: size });
  const planesOf = resized.map((image) => normalise(image, IMAGENET)) as [Float32Array, Float32Array];
  return {
    resized_0: resized[0].data,
    resized_1: resized[1].data,
    normalised_0: planesOf[0],
    normalised_1: planesOf[1],
    mask: small.map((value) => (value === (golden.param('class_id') as number) + 1 ? 1 : 0)),
    ignore: small.map((value) => (value === 255 ? 1 : 0)),
    sam_stretched_1: stretchAligned(planesOf[1], size, samSize),
    sam_native_0: longestSideInput(raster('image_0'), samSize, IMAGENET),
  };
}

export const maskCases: CaseRunners = {
  mask_upsampling: (golden) => {
    const maps = planes(golden.floats('low_res_logits'));
    const [squareHeight, squareWidth] = golden.param('square') as [number, number];
    const [rectHeight, rectWidth] = golden.param('rect') as [number, number];
    const side = golden.param('image_size') as number;
    const [inputHeight, inputWidth] = golden.param('input_size') as [number, number];
    const [height, width] = golden.param('original_size') as [number, number];
    const native = (map: FloatMap): Float32Array => {
      const square = resizeMap(map, side, side, 'half-pixel');
      const data = Float32Array.from(
        { length: inputHeight * inputWidth },
        (_, i) => square.data[Math.floor(i / inputWidth) * side + (i % inputWidth)] as number,
      );
      return resizeMap({ data, width: inputWidth, height: inputHeight }, width, height, 'half-pixel').data;
    };
    return {
      aligned_square: joined(maps.map((map) => resizeMap(map, squareWidth, squareHeight, 'aligned').data)),
      aligned_rect: joined(maps.map((map) => resizeMap(map, rectWidth, rectHeight, 'aligned').data)),
      sam_native: joined(maps.map(native)),
    };
  },
  sampling: (golden) => ({
    ...valuesOf({
      z_student_t: drawn(golden, 'student_t'),
      z_student_t_printed: drawn(golden, 'student_t_printed'),
      z_gaussian: drawn(golden, 'gaussian'),
    }),
    sigma: golden.floats('log_sigma').data.map(Math.exp),
  }),
  merge_strategies: (golden) => {
    const { data, shape } = golden.floats('logits');
    const [samples, batch] = shape as [number, number];
    const size = data.length / samples / batch;
    const merged = (strategy: MergeStrategy): number[] =>
      joined(
        Array.from({ length: batch }, (_, b) => {
          const maps = Array.from({ length: samples }, (__, k) => data.subarray((k * batch + b) * size, (k * batch + b + 1) * size));
          return aboveZero(mergeLogits(maps, strategy));
        }),
      );
    return Object.fromEntries(MERGES.map((strategy) => [strategy, merged(strategy)]));
  },
  inference_end_to_end: endToEnd,
  metrics: metricsCase,
  label_box: (golden) => {
    const boxes = planes(golden.floats('mask')).map((plane) => {
      const box = boundingBox({ ...plane, data: Uint8Array.from(plane.data) });
      const mask = emptyMask(plane.width, plane.height);
      if (box) fillBox(mask, box);
      return mask.data;
    });
    return { box_mask: joined(boxes) };
  },
  label_points_downsampling: (golden) => {
    const [rows, columns] = golden.entry.expected['on_grid']?.shape.slice(-2) as [number, number];
    const masks = planes(golden.floats('point_mask'));
    return {
      on_grid: joined(
        masks.map((mask) =>
          reduceLabels(
            { ...mask, data: Uint8Array.from(mask.data) },
            { columns, rows, spanX: mask.width, spanY: mask.height },
            { kind: 'nearest' },
          ),
        ),
      ),
    };
  },
  label_scribble_raster: scribbleCase,
  preprocess: preprocessCase,
};
