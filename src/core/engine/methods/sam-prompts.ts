/** SAM's own prompts in the image's pixels, and its masks as logits. */
import type { ImageFeatures } from '../image-features.ts';
import type { Geometry } from '../../image/geometry.ts';
import { POINT_KINDS, type PointKind } from '../../networks/sam-prompt-encoder.ts';
import type { Networks } from '../../onnx/networks.ts';
import type { FloatMap } from '../../mask/resize-map.ts';
import type { Tensor } from '../../onnx/session.ts';

export interface SamPrompt {
  x: number;
  y: number;
  kind: PointKind;
}

/** One of the masks SAM offers. */
export interface SamMask {
  /** [4g * 4g] */
  logits: Float32Array;
  iou: number;
}

export function boxPrompts([x0, y0, x1, y1]: readonly [number, number, number, number]): SamPrompt[] {
  return [
    { x: x0, y: y0, kind: 'boxTopLeft' },
    { x: x1, y: y1, kind: 'boxBottomRight' },
  ];
}

/**
 * Decodes one set of prompts. Without a box SAM expects a padding point behind the others.
 * -> mask token 0 (for unambiguous prompts), then whole, part and subpart
 */
export async function decodeSamPrompts(
  networks: Networks,
  geometry: Geometry,
  image: ImageFeatures,
  prompts: readonly SamPrompt[],
  maskInput?: Float32Array,
): Promise<SamMask[]> {
  const hasBox = prompts.some(({ kind }) => kind === 'boxTopLeft');
  const xy: number[] = [];
  const kinds: number[] = [];
  const push = (x: number, y: number, kind: PointKind): void => {
    xy.push(x, y);
    kinds.push(...POINT_KINDS.map((name) => (name === kind ? 1 : 0)));
  };
  for (const { x, y, kind } of prompts) push(...geometry.toSam(x, y, image.width, image.height), kind);
  if (!hasBox) push(0, 0, 'padding');

  const tensor = (values: number[], width: number): Tensor => ({
    data: Float32Array.from(values),
    shape: [1, values.length / width, width],
  });
  const side = maskInput && Math.sqrt(maskInput.length);
  const mask = maskInput && { data: maskInput, shape: [1, 1, side as number, side as number] };
  const { logits, iou } = await networks.decodePoints(image.embedding, tensor(xy, 2), tensor(kinds, POINT_KINDS.length), mask);
  const size = logits.data.length / iou.data.length;
  return Array.from(iou.data, (value, i) => ({ logits: logits.data.slice(i * size, (i + 1) * size), iou: value }));
}

/** The first mask's logits at the image's own size. */
export async function decodeAtImageSize(
  networks: Networks,
  geometry: Geometry,
  image: ImageFeatures,
  prompts: readonly SamPrompt[],
): Promise<Float32Array | undefined> {
  const [mask] = await decodeSamPrompts(networks, geometry, image, prompts);
  return mask && logitsAtImageSize(geometry, image, mask.logits).data;
}

/** Low-resolution logits [4g * 4g] at the image's own size. */
export function logitsAtImageSize(
  geometry: Geometry,
  { width, height }: { width: number; height: number },
  logits: Float32Array,
): FloatMap {
  const side = Math.sqrt(logits.length);
  return geometry.toImage(geometry.toSquare({ data: logits, width: side, height: side }), width, height);
}

/** The mask SAM believes in most. */
export function bestMask(masks: readonly SamMask[]): SamMask {
  return masks.reduce((best, mask) => (mask.iou > best.iou ? mask : best));
}
