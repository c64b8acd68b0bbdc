/** Decoding in rounds as PerSAM does it (Zhang et al., 2023): each starts from the mask of the one before. */
import { boundingBox } from '../../../mask/raster.ts';
import type { Geometry } from '../../../image/geometry.ts';
import type { DecoderGuidance } from '../../../onnx/model-graphs.ts';
import type { ImageFeatures } from '../../image-features.ts';
import type { MethodContext } from '../method.ts';
import { bestMask, boxPrompts, decodeSamPrompts, type SamPrompt } from '../sam-prompts.ts';
import type { SamMask } from '../stable-mask.ts';
import { placeOf, type Pixel } from './location-prior.ts';

export type DecodeContext = Pick<MethodContext, 'networks' | 'geometry' | 'checkpoint'>;

/** Pixels of the image that bound a mask: the last ones belong to it. */
export type PixelBox = readonly [xMin: number, yMin: number, xMax: number, yMax: number];

/** SAM's answer to one set of prompts. */
export interface Round {
  /** Box among the prompts. */
  box?: PixelBox;
  /** Whole, part and subpart. */
  masks: SamMask[];
  /** The one with the largest estimated IoU, the first among equals. */
  best: SamMask;
}

/** Points at pixels of the image, where SAM's own predictor puts them. */
export function pointPrompts(
  { geometry }: Pick<DecodeContext, 'geometry'>,
  target: ImageFeatures,
  positive: Pixel,
  negative?: Pixel,
): SamPrompt[] {
  const prompt = (pixel: Pixel, kind: SamPrompt['kind']): SamPrompt => ({ ...placeOf(geometry, target, pixel), kind });
  return [prompt(positive, 'positive'), ...(negative === undefined ? [] : [prompt(negative, 'negative')])];
}

/** Three masks for points, a box and an earlier mask's logits. Of a SAM whose prompts are drawn, the drawing has them all. */
export async function decodeRound(
  { networks, geometry, checkpoint }: DecodeContext,
  target: ImageFeatures,
  points: readonly SamPrompt[],
  logits?: Float32Array,
  box?: PixelBox,
): Promise<Round> {
  const corners = box && boxAt(geometry, target, box);
  const { all } = await decodeSamPrompts(networks, geometry, target, [...points, ...(corners ?? [])], logits);
  checkpoint();
  const masks = all.slice(1);
  return { ...(box && { box }), masks, best: bestMask(masks) };
}

/** Mask token 0 of the decoder with both hooks of PerSAM. bias [g * g], vector [c] */
export async function decodeGuided(
  { networks, geometry, checkpoint }: DecodeContext,
  target: ImageFeatures,
  points: readonly SamPrompt[],
  { bias, vector }: Readonly<Record<keyof DecoderGuidance, Float32Array>>,
): Promise<SamMask> {
  const row = (data: Float32Array) => ({ data, shape: [1, data.length] });
  const guidance = { bias: row(bias), vector: row(vector) };
  const { all } = await decodeSamPrompts(networks, geometry, target, points, undefined, guidance);
  checkpoint();
  return all[0] as SamMask;
}

/** Box of the logits above 0 at the image's own size; none of an empty mask. */
export function pixelBox(
  geometry: Pick<Geometry, 'lowToMask'>,
  { width, height }: ImageFeatures,
  logits: Float32Array,
): PixelBox | undefined {
  const side = Math.sqrt(logits.length);
  const box = boundingBox({ data: geometry.lowToMask({ data: logits, width: side, height: side }, width, height), width, height });
  return box && [box[0], box[1], box[2] - 1, box[3] - 1];
}

function boxAt(geometry: Pick<Geometry, 'toSam'>, target: ImageFeatures, [x0, y0, x1, y1]: PixelBox): SamPrompt[] {
  const [first, last] = [placeOf(geometry, target, [x0, y0]), placeOf(geometry, target, [x1, y1])];
  return boxPrompts([first.x, first.y, last.x, last.y]);
}
