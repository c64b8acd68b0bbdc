/** An object as an interactor answers it: what CVAT's browser draws exactly where the mask is, in the version that asked. */
import { ProsamError } from '../../../core/common/errors.ts';
import type { BinaryMask } from '../../../core/mask/label-reduction.ts';
import type { ResponseDialect } from './response-dialect.ts';
import { MAX_BITMAP_PIXELS, rowsBitmap } from './bitmap-json.ts';
import { cropMask, largestOutline } from './crop.ts';
import { listJson } from './list-json.ts';
import { cvatRleFromMask, type PixelBox } from '../../../core/mask/cvat-rle.ts';

/** Result in an image of this size. */
export interface Found {
  width: number;
  height: number;
  /** Absent where nothing was. mask: as large as the image. */
  object?: { mask: BinaryMask; box: PixelBox };
}

export interface InteractorResponseOptions {
  dialect: ResponseDialect;
  /** Pixels an outline may deviate. */
  tolerance: number;
  signal: AbortSignal;
}

/** JSON. @throws IMAGE_TOO_LARGE where a bitmap is needed and would be too large */
export async function interactorResponse(found: Found, { dialect, tolerance, signal }: InteractorResponseOptions): Promise<Buffer> {
  switch (dialect) {
    case 'shapes':
      return Buffer.concat([Buffer.from('{'), await shapesField(found, signal), Buffer.from('}')]);
    case 'mask':
      return cutMask(found, tolerance, signal);
    case 'either': {
      const { width, height, object } = found;
      if (width * height > MAX_BITMAP_PIXELS) throw unknownVersion(width, height);
      const points = object ? await outlineOf(object, tolerance, signal) : Buffer.from('[]');
      const rest = [Buffer.from(',"points":'), points, Buffer.from(','), await shapesField(found, signal), Buffer.from('}')];
      const mask = object?.mask ?? { data: new Uint8Array(width * height), width, height };
      return rowsBitmap(mask, { signal, before: Buffer.from('{"mask":'), after: Buffer.concat(rest) });
    }
  }
}

/** Before 2.60 the browser needs points even where there are none, or it stops with an error of its own. */
const NOTHING = { mask: [[0]], bounds: [0, 0, 0, 0], points: [] };

async function cutMask({ object }: Found, tolerance: number, signal: AbortSignal): Promise<Buffer> {
  if (object === undefined) return Buffer.from(JSON.stringify(NOTHING));
  const [x0, y0, x1, y1] = object.box;
  const points = await outlineOf(object, tolerance, signal);
  return rowsBitmap(cropMask(object.mask, object.box), {
    signal,
    before: Buffer.from(`{"bounds":[${x0},${y0},${x1 - 1},${y1 - 1}],"mask":`),
    after: Buffer.concat([Buffer.from(',"points":'), points, Buffer.from('}')]),
  });
}

/** Attributes of another form than CVAT's own would be dropped; there are none to tell. */
async function shapesField({ object }: Found, signal: AbortSignal): Promise<Buffer> {
  if (object === undefined) return Buffer.from('"shapes":[]');
  const points = await listJson(await cvatRleFromMask(object.mask, signal, object.box), signal);
  return Buffer.concat([Buffer.from('"shapes":[{"type":"mask","points":'), points, Buffer.from(',"attributes":[]}]')]);
}

/** Without points the browser would load OpenCV to find them. */
async function outlineOf({ mask, box }: { mask: BinaryMask; box: PixelBox }, tolerance: number, signal: AbortSignal): Promise<Buffer> {
  return listJson(await largestOutline(cropMask(mask, box), box, tolerance, signal), signal);
}

function unknownVersion(width: number, height: number): ProsamError {
  return new ProsamError(
    'IMAGE_TOO_LARGE',
    `expected CVAT's version in the User-Agent header of a call for ${width} x ${height} pixels, got none that can be read. ` +
      'Let what stands between CVAT and prosam pass that header on, or click in a smaller image or region.',
  );
}
