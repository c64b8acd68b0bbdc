/** Image files as somebody says they are to be read, kept so: what is stored and shown later is what was seen. */
import type { Notice } from '../../common/notice.ts';
import { decodeImage, type ImageLimits } from './decode.ts';
import { unused } from '../values/value-rule.ts';
import { loadSharp } from './load-sharp.ts';
import { openImage } from './open-image.ts';
import type { ImageReading } from '../values/reading.ts';

/**
 * The bytes themselves where the reading changes nothing (8-bit samples and a file of a single page), else an 8-bit PNG of the page and
 * the values that were asked for. The same bytes and reading give the same PNG.
 * @throws IMAGE_*, OPTION_INVALID
 */
export async function imageAsRead(
  bytes: Uint8Array,
  label: string,
  reading: ImageReading,
  limits: ImageLimits = {},
): Promise<{ bytes: Uint8Array; notices: readonly Notice[] }> {
  if (reading.valueRange === undefined && reading.page === undefined) return { bytes, notices: [] };
  const { tiff, metadata, several } = await openImage(bytes, label, { ...limits, ...reading });
  const isDeep = tiff !== undefined || (metadata !== undefined && metadata.depth !== 'uchar');
  if (!(reading.page !== undefined && several) && !(reading.valueRange && isDeep))
    return { bytes, notices: reading.valueRange ? [unused(reading.valueRange)] : [] };
  const { data, width, height, notices = [] } = await decodeImage(bytes, label, { ...limits, ...reading });
  const sharp = await loadSharp();
  const png = await sharp(data, { raw: { width, height, channels: 3 } })
    .png({ compressionLevel: 6 })
    .toBuffer();
  return { bytes: png, notices };
}
