/** Masks as images whose alpha channel is the mask: opaque is marked, transparent is not. */
import { messageOf, ProsamError } from '../../common/errors.ts';
import { runSteps, PAUSE_AFTER_PLAIN, type Steps } from '../../mask/cooperative.ts';
import type { BinaryMask } from '../../mask/label-reduction.ts';
import { DEFAULT_LIMITS, type ImageLimits } from './decode.ts';
import { loadSharp } from './load-sharp.ts';

/** First bytes of every PNG. */
const PNG = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);

/** White on nothing, 8 bits a channel, encoded off the calling thread. place: of a mask cut to its box, in an image of this size. */
export async function alphaPng(
  mask: BinaryMask,
  { x0, y0, width, height } = { x0: 0, y0: 0, width: mask.width, height: mask.height },
): Promise<Uint8Array> {
  const sharp = await loadSharp();
  const alpha = await sharp(mask.data, { raw: { width: mask.width, height: mask.height, channels: 1 } })
    .threshold(1)
    .extend({ left: x0, top: y0, right: width - x0 - mask.width, bottom: height - y0 - mask.height, background: 'black' })
    .toColourspace('b-w')
    .raw()
    .toBuffer();
  return sharp({ create: { width, height, channels: 3, background: { r: 255, g: 255, b: 255 } } })
    .joinChannel(alpha, { raw: { width, height, channels: 1 } })
    .png()
    .toBuffer();
}

/**
 * Alpha of 128 and more is marked; an image without alpha marks everything.
 * @throws ANNOTATION_INVALID for what is no PNG, MASK_SIZE_MISMATCH, IMAGE_TOO_LARGE
 */
export async function maskFromAlphaPng(bytes: Uint8Array, width: number, height: number, limits: ImageLimits = {}): Promise<BinaryMask> {
  const { maxBytes, maxPixels } = { ...DEFAULT_LIMITS, ...limits };
  if (bytes.byteLength > maxBytes || width * height > maxPixels) {
    throw new ProsamError(
      'IMAGE_TOO_LARGE',
      `Mask: expected a PNG of at most ${maxBytes} bytes and ${maxPixels} pixels, got ${bytes.byteLength} and ${width * height}. Shrink the image.`,
    );
  }
  if (!PNG.equals(bytes.subarray(0, PNG.length))) {
    throw new ProsamError('ANNOTATION_INVALID', 'Mask: expected a PNG, got bytes that do not begin like one. Encode the mask as PNG.');
  }
  const sharp = await loadSharp();
  const image = sharp(bytes, { failOn: 'error', limitInputPixels: false, ignoreIcc: true });
  try {
    const metadata = await image.metadata();
    if (metadata.width !== width || metadata.height !== height) {
      throw new ProsamError(
        'MASK_SIZE_MISMATCH',
        `Mask: expected a PNG of ${width} x ${height} pixels, got ${metadata.width} x ${metadata.height}. Use the size of the upright image.`,
      );
    }
    const levels = await image.ensureAlpha().extractChannel('alpha').toColourspace('b-w').raw().toBuffer();
    return await runSteps(threshold(levels, width, height));
  } catch (cause) {
    if (cause instanceof ProsamError) throw cause;
    throw new ProsamError('ANNOTATION_INVALID', `Mask: the PNG cannot be read: ${messageOf(cause)}. Encode it again.`, { cause });
  }
}

function* threshold(levels: Uint8Array, width: number, height: number): Steps<BinaryMask> {
  const data = new Uint8Array(width * height);
  for (let at = 0; at < data.length; at++) {
    if ((levels[at] as number) >= 128) data[at] = 1;
    if (at % PAUSE_AFTER_PLAIN === 0) yield;
  }
  return { data, width, height };
}
