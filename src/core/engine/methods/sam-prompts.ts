/** SAM's own prompts in the image's pixels, and its masks as logits. */
import type { ImageFeatures } from '../image-features.ts';
import type { Geometry } from '../../image/geometry.ts';
import { POINT_KINDS, type PointKind } from '../../networks/sam-prompt-encoder.ts';
import { joinedFloats } from '../../common/joined.ts';
import type { DecoderGuidance } from '../../onnx/model-graphs.ts';
import type { Decoded, Networks } from '../../onnx/networks.ts';
import type { StabilityRule } from '../../networks/config.ts';
import type { FloatMap } from '../../mask/resize-map.ts';
import type { Tensor } from '../../onnx/session.ts';
import { MASK_PROMPT_LIMIT } from '../../networks/coarse-mask.ts';
import { drawnPrompt } from './drawn-prompts.ts';
import { sigmoid } from './sigmoid.ts';
import { stableMask, type SamMask } from './stable-mask.ts';

export interface SamPrompt {
  x: number;
  y: number;
  kind: PointKind;
}

/** SAM's answers to one set of prompts. */
export interface SamMasks {
  /** Mask token 0, then whole, part and subpart. */
  all: SamMask[];
  /** The one mask of unambiguous prompts: token 0, or what SAM 2's stability rule puts in its place. */
  single: SamMask;
  /** SAM 2: probability that there is an object, 0..1. */
  objectScore?: number;
}

export function boxPrompts([x0, y0, x1, y1]: readonly [number, number, number, number]): SamPrompt[] {
  return [
    { x: x0, y: y0, kind: 'boxTopLeft' },
    { x: x1, y: y1, kind: 'boxBottomRight' },
  ];
}

/** SAM 2 limits the logits of a mask prompt, as when it was trained. */
const SAM2_LIMIT = 32;

/** Decodes one set of prompts: see `decodeSamPromptSets`. */
export async function decodeSamPrompts(
  networks: Networks,
  geometry: Geometry,
  image: ImageFeatures,
  prompts: readonly SamPrompt[],
  maskInput?: Float32Array,
  guidance?: DecoderGuidance,
): Promise<SamMasks> {
  const [masks] = await decodeSamPromptSets(networks, geometry, image, [prompts], maskInput, guidance);
  return masks as SamMasks;
}

/**
 * Decodes sets of prompts of one length and form together, each by itself. SAM expects a padding point behind points without a box, SAM 2
 * behind every set. A model whose prompts are drawn reads them in the mask prompt, too. maskInput: of all sets, or of each. guidance: of PerSAM's decoder.
 */
export async function decodeSamPromptSets(
  networks: Networks,
  geometry: Geometry,
  image: ImageFeatures,
  sets: readonly (readonly SamPrompt[])[],
  maskInput?: Float32Array | readonly Float32Array[],
  guidance?: DecoderGuidance,
): Promise<SamMasks[]> {
  const { sam2, drawsPrompts } = networks;
  const xy: number[] = [];
  const kinds: number[] = [];
  const push = (x: number, y: number, kind: PointKind): void => {
    xy.push(x, y);
    kinds.push(...POINT_KINDS.map((name) => (name === kind ? 1 : 0)));
  };
  const placed = sets.map((prompts) =>
    prompts.map(({ x, y, kind }): SamPrompt => {
      const [column, row] = geometry.toSam(x, y, image.width, image.height);
      return { x: column, y: row, kind };
    }),
  );
  for (const prompts of placed) {
    for (const { x, y, kind } of prompts) push(x, y, kind);
    if (sam2 || prompts.every(({ kind }) => kind !== 'boxTopLeft')) push(0, 0, 'padding');
  }

  const tensor = (values: number[], width: number): Tensor => ({
    data: Float32Array.from(values),
    shape: [sets.length, values.length / width / sets.length, width],
  });
  // One mask of all sets is brought within its limits once.
  const [ofAll, ofEach] = maskInput instanceof Float32Array ? [maskPrompt(networks, maskInput)] : [undefined, maskInput];
  const side = lowResSide(image);
  const drawings = placed.map((prompts, set) => {
    const previous = ofAll ?? (ofEach?.[set] && maskPrompt(networks, ofEach[set]));
    return drawsPrompts ? drawnPrompt(side, prompts, previous) : previous;
  });
  const mask = drawings[0] && { data: joinedFloats(drawings as Float32Array[]), shape: [sets.length, 1, side, side] };
  const decoded = await networks.decodePoints(image, tensor(xy, 2), tensor(kinds, POINT_KINDS.length), mask, guidance);
  return sets.map((_, set) => masksOf(decoded, set, sets.length, sam2?.stability));
}

/** Answers to one of several sets. */
function masksOf({ logits, iou, objectScore }: Decoded, set: number, sets: number, stability: StabilityRule | undefined): SamMasks {
  const size = logits.data.length / iou.data.length;
  const count = iou.data.length / sets;
  const all = Array.from({ length: count }, (_, i): SamMask => {
    const at = set * count + i;
    return { logits: logits.data.slice(at * size, (at + 1) * size), iou: iou.data[at] as number };
  });
  return {
    all,
    single: stability ? stableMask(all, stability).mask : (all[0] as SamMask),
    ...(objectScore && { objectScore: sigmoid(objectScore.data[set] as number) }),
  };
}

/** Side of the decoder's logits, and of a mask prompt. */
export function lowResSide({ embedding }: Pick<ImageFeatures, 'embedding'>): number {
  return 4 * (embedding.shape[2] as number);
}

/** Logits as this SAM takes them back as a mask prompt. */
export function maskPrompt({ sam2, drawsPrompts }: Pick<Networks, 'sam2' | 'drawsPrompts'>, logits: Float32Array): Float32Array {
  if (sam2 === undefined && !drawsPrompts) return logits;
  const limit = drawsPrompts ? MASK_PROMPT_LIMIT : SAM2_LIMIT;
  return logits.map((value) => Math.max(-limit, Math.min(limit, value)));
}

/** The first mask's logits at the image's own size. */
export async function decodeAtImageSize(
  networks: Networks,
  geometry: Geometry,
  image: ImageFeatures,
  prompts: readonly SamPrompt[],
): Promise<Float32Array> {
  const { single } = await decodeSamPrompts(networks, geometry, image, prompts);
  return logitsAtImageSize(geometry, image, single.logits).data;
}

/** Low-resolution logits [4g * 4g] at the image's own size. */
export function logitsAtImageSize(
  geometry: Geometry,
  { width, height }: { width: number; height: number },
  logits: Float32Array,
): FloatMap {
  const side = Math.sqrt(logits.length);
  return geometry.lowToImage({ data: logits, width: side, height: side }, width, height);
}

/** The mask SAM believes in most. */
export function bestMask(masks: readonly SamMask[]): SamMask {
  return masks.reduce((best, mask) => (mask.iou > best.iou ? mask : best));
}
