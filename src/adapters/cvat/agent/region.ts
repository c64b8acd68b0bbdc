/** A region of interest, cut out of a frame here: agents fetch whole frames, where the server cuts them for functions it calls itself. */
import { ProsamError } from '../../../core/common/errors.ts';
import { cutImage } from '../../../core/image/node/png.ts';
import { decodeImage, type ImageLimits } from '../../../core/image/node/decode.ts';

/** roi: left, top, right, bottom in whole pixels of the frame, right and bottom not included. -> PNG. @throws REQUEST_INVALID, IMAGE_* */
export async function regionOf(
  frame: Uint8Array,
  roi: readonly [left: number, top: number, right: number, bottom: number],
  limits?: ImageLimits,
): Promise<Uint8Array> {
  const whole = await decodeImage(frame, 'frame', limits);
  const [left, top, right, bottom] = roi;
  // Cut to the frame it would begin elsewhere than CVAT thinks, and everything found in it would be put in the wrong place.
  if (left < 0 || top < 0 || right > whole.width || bottom > whole.height || left >= right || top >= bottom) {
    throw new ProsamError(
      'REQUEST_INVALID',
      `expected a region of interest inside the frame of ${whole.width} x ${whole.height} pixels, got [${roi.join(', ')}]. Draw it again.`,
    );
  }
  return cutImage(whole, roi);
}
