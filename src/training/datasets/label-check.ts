/** Checks of a label map before it is used: known class ids, and the size of its image. */
import { open, readFile } from 'node:fs/promises';
import { messageOf, ProsamError } from '../../core/common/errors.ts';
import { readImageHeader } from '../../core/image/header.ts';
import { imageSize } from '../../core/image/node/decode.ts';
import { loadSharp } from '../../core/image/node/load-sharp.ts';
import { SIGNATURE_BYTES } from '../../core/image/node/open-image.ts';
import { IGNORE_LABEL, type LabelMap } from '../types.ts';

/** Class id -> number of its pixels, without background and ignored pixels. */
export type ClassPixels = ReadonlyMap<number, number>;

/** Pixels per class. @throws DATASET_INVALID for ids that are no classes */
export function countLabels(labels: LabelMap, known: ReadonlySet<number>, file: string): ClassPixels {
  const counts = new Uint32Array(256);
  for (const label of labels.data) counts[label] = (counts[label] as number) + 1;
  const found = new Map<number, number>();
  for (let id = 1; id < IGNORE_LABEL; id++) if (counts[id] !== 0) found.set(id, counts[id] as number);
  const unknown = [...found.keys()].filter((id) => !known.has(id));
  if (unknown.length > 0) {
    throw new ProsamError(
      'DATASET_INVALID',
      `${file}: expected the class ids ${listed([...known].sort((a, b) => a - b))} (0 is background, 255 ignored), but it also holds ` +
        `${listed(unknown)}. Add those classes, or correct the label map.`,
    );
  }
  return found;
}

/** @throws DATASET_INVALID where label map and upright image differ in size */
export async function checkImageSize(imageFile: string, labels: LabelMap, labelsFrom: string): Promise<void> {
  const { width, height } = await uprightSize(imageFile);
  if (width === labels.width && height === labels.height) return;
  throw new ProsamError(
    'DATASET_INVALID',
    `${labelsFrom}: expected ${width} x ${height} pixels, the size of ${imageFile} as it is shown upright, but its labels have ` +
      `${labels.width} x ${labels.height}. Label the image at its own size.`,
  );
}

/** Formats whose head alone says how large the upright image is. */
const BY_HEAD = new Set(['jpeg', 'png', 'webp']);

/** Nothing is decoded, and of JPEG, PNG and WebP only the head is read. @throws DATASET_INVALID for unreadable images */
export async function uprightSize(file: string): Promise<{ width: number; height: number }> {
  try {
    if (!BY_HEAD.has(readImageHeader(await firstBytes(file))?.format ?? '')) return await imageSize(await readFile(file), 'the file');
    const sharp = await loadSharp();
    return (await sharp(file, { limitInputPixels: false, ignoreIcc: true }).metadata()).autoOrient;
  } catch (cause) {
    throw new ProsamError(
      'DATASET_INVALID',
      `${file}: expected an image, but it cannot be read: ${messageOf(cause).replace(/\.$/, '')}. Replace the file, or remove it with its label map.`,
      { cause },
    );
  }
}

async function firstBytes(file: string): Promise<Uint8Array> {
  const handle = await open(file, 'r');
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(SIGNATURE_BYTES), 0, SIGNATURE_BYTES, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await handle.close();
  }
}

/** The first few of many, and how many there are. */
export function listed(items: readonly (string | number)[], most = 12): string {
  if (items.length === 0) return 'none';
  return items.length <= most ? items.join(', ') : `${items.slice(0, most).join(', ')} and ${items.length - most} more`;
}
