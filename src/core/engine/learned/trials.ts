/** Images that are left out, each predicted from the others in every way there is. */
import { LEARNED_MAPS, type LearnedMap, type PlainMap } from '../../checkpoint/learned-values.ts';
import type { Geometry } from '../../image/geometry.ts';
import { cellShares, type BinaryMask } from '../../mask/label-reduction.ts';
import { iou } from '../../mask/metrics.ts';
import type { ImageFeatures } from '../image-features.ts';
import type { Methods } from '../methods/available.ts';
import type { MethodContext, RunMethod } from '../methods/method.ts';
import { sizeInSam } from '../methods/persam-paper/object-vector.ts';
import { lowResSide } from '../methods/sam-prompts.ts';
import type { ShownReference } from '../one-per-image.ts';
import type { PredictOptions } from '../types.ts';
import { drawMaps } from './maps.ts';
import type { Tuner } from './tuning/tuner.ts';
import type { AlteredCopies } from '../references.ts';

export interface FitParts {
  methods: Methods;
  /** Drawn without any fitted numbers. */
  plain: readonly PlainMap[];
  /** Tuning of the model's own prompt encoder, where that has a coarse mask. */
  tuning?: { tuner: Tuner; altered: AlteredCopies } | undefined;
}

/** One left-out image, predicted from the others. */
export interface Trial {
  image: ImageFeatures;
  truth: BinaryMask;
  maps: Partial<Record<LearnedMap, Float32Array>>;
  /** Maps and truth where they show the image. */
  example: { maps: Partial<Record<LearnedMap, Float32Array>>; truth: Float32Array };
  plain: number[];
}

/** tuned: 'prosam' tuned to other images. */
export async function trialOf(
  context: MethodContext,
  { reference, others }: { reference: ShownReference; others: readonly ShownReference[] },
  { probe, tuned }: { probe: Float64Array; tuned: RunMethod | undefined },
  { methods, plain: names }: Pick<FitParts, 'methods' | 'plain'>,
  options: PredictOptions,
): Promise<Trial> {
  const { geometry } = context;
  const image = await reference.sam();
  const truth = reference.mask;
  const wanted = new Set(LEARNED_MAPS);
  const asked = { target: image, references: others, rivals: [] };
  const { maps } = await drawMaps(context, asked, { probe, wanted, tuned }, methods, options);
  const plain = names.map((name) => iou(maskOf(geometry, image, maps[name] as Float32Array), truth.data));
  return { image, truth, maps, plain, example: exampleOf(geometry, image, truth, maps) };
}

function exampleOf(geometry: Geometry, image: ImageFeatures, mask: BinaryMask, maps: Trial['maps']): Trial['example'] {
  const side = lowResSide(image);
  const { width, height, square } = sizeInSam(geometry, image);
  const [spanX, spanY] = [(image.width * square) / width, (image.height * square) / height];
  const shares = Float32Array.from(cellShares(mask, { columns: side, rows: side, spanX, spanY }), (share) => Math.min(1, share));
  const shown = (data: Float32Array): Float32Array => geometry.visible({ data, width: side, height: side }, image.width, image.height).data;
  return { maps: Object.fromEntries(Object.entries(maps).map(([name, map]) => [name, shown(map)])), truth: shown(shares) };
}

/** 1 where the map is above 0 at the image's own pixels. data: [4g * 4g] */
export function maskOf(geometry: Geometry, image: ImageFeatures, data: Float32Array): Uint8Array {
  const side = lowResSide(image);
  return geometry.lowToMask({ data, width: side, height: side }, image.width, image.height);
}
