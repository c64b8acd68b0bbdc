/** A result as the page shows it: the image, and over it the mask or the uncertainty. */
import { context2d, drawUncertainty, outlineMask } from 'prosam/client/page';
import type { BinaryMask } from 'prosam/web';

/** Longest side, pixels: results are shown in cards. */
const SHOWN_SIDE = 640;

export interface Shown {
  mask: BinaryMask;
  /** 0..255 per pixel. */
  uncertaintyMap?: Uint8Array;
}

export function paintResult(canvas: HTMLCanvasElement, picture: ImageBitmap, shown: Shown | undefined, asMap: boolean): void {
  const scale = Math.min(1, SHOWN_SIDE / Math.max(picture.width, picture.height));
  canvas.width = Math.max(1, Math.round(picture.width * scale));
  canvas.height = Math.max(1, Math.round(picture.height * scale));
  const context = context2d(canvas);
  context.drawImage(picture, 0, 0, canvas.width, canvas.height);
  if (shown === undefined) return;
  const pixels = context.getImageData(0, 0, canvas.width, canvas.height);
  if (asMap && shown.uncertaintyMap) drawUncertainty(pixels, shown.uncertaintyMap, shown.mask);
  else outlineMask(pixels, shown.mask);
  context.putImageData(pixels, 0, 0);
}
