/** The object's form drawn anew by SAM, where it changed: the moved mask is its mask prompt, the box around it bounds it. */
import type { BinaryMask } from '../../mask/label-reduction.ts';
import { boundingBox } from '../../mask/raster.ts';
import { resizeMap } from '../../mask/resize-map.ts';
import { MASK_PROMPT_LIMIT } from '../../networks/coarse-mask.ts';
import type { ImageFeatures } from '../image-features.ts';
import type { MethodContext } from '../methods/method.ts';
import { boxPrompts, decodeSamPrompts, lowResSide } from '../methods/sam-prompts.ts';

/** By which the box is larger than the moved mask's, a share of its sides. */
const MARGIN = 0.06;
/** Least IoU with the moved mask: SAM corrects it and chooses no other object. */
const MIN_IOU = 0.7;

/** mask: of the target's own size, not empty. -> SAM's mask, or the one given where SAM's is of something else */
export async function redraw(
  { networks, geometry }: Pick<MethodContext, 'networks' | 'geometry'>,
  target: ImageFeatures,
  mask: BinaryMask,
): Promise<BinaryMask> {
  const box = boundingBox(mask);
  if (box === undefined) return mask;
  const [mx, my] = [MARGIN * (box[2] - box[0]), MARGIN * (box[3] - box[1])];
  const { width, height } = target;
  const around = [Math.max(0, box[0] - mx), Math.max(0, box[1] - my), Math.min(width, box[2] + mx), Math.min(height, box[3] + my)] as const;
  const prompt = promptOf({ geometry }, target, mask);
  const { single } = await decodeSamPrompts(networks, geometry, target, boxPrompts(around), prompt);
  const side = lowResSide(target);
  const data = geometry.lowToMask({ data: single.logits, width: side, height: side }, width, height);
  return overlapOf(data, mask.data) >= MIN_IOU ? { data, width, height } : mask;
}

/** Logits on SAM's low-resolution square: as sure inside as outside, less so at the border. */
function promptOf({ geometry }: Pick<MethodContext, 'geometry'>, target: ImageFeatures, { data, width, height }: BinaryMask): Float32Array {
  const side = lowResSide(target);
  const [lastX, lastY] = geometry.toSam(width, height, width, height);
  // The part of the square that shows the image.
  const [columns, rows] = [Math.round((lastX + 0.5) / 4), Math.round((lastY + 0.5) / 4)];
  const shares = resizeMap({ data: Float32Array.from(data), width, height }, columns, rows, 'half-pixel');
  const out = new Float32Array(side * side).fill(-MASK_PROMPT_LIMIT);
  for (let y = 0; y < rows; y++)
    for (let x = 0; x < columns; x++) out[y * side + x] = MASK_PROMPT_LIMIT * (2 * (shares.data[y * columns + x] as number) - 1);
  return out;
}

function overlapOf(a: Uint8Array, b: Uint8Array): number {
  let [both, either] = [0, 0];
  for (let i = 0; i < a.length; i++) {
    const [one, other] = [a[i] as number, b[i] as number];
    both += one & other;
    either += one | other;
  }
  return either === 0 ? 0 : both / either;
}
