/** Images sent as text: base64, alone or in a data: address. */
import { ProsamError } from '../../../core/common/errors.ts';

/** Characters before the comma. */
const MAX_HEADER = 200;

/**
 * Strict: nothing but base64 (or base64url), without line breaks; padding may be left out. Takes time in proportion to the text.
 * @throws REQUEST_INVALID, IMAGE_TOO_LARGE
 */
export function readBase64(text: string, maxBytes: number): Uint8Array {
  if (text.length > Math.ceil(maxBytes / 3) * 4) throw tooLarge(maxBytes);
  const padding = text.endsWith('==') ? 2 : text.endsWith('=') ? 1 : 0;
  const letters = text.length - padding;
  const fits = letters % 4 !== 1 && (padding === 0 || text.length % 4 === 0);
  // Beyond ASCII the decoder would take other letters for ours.
  const bytes = fits && Buffer.byteLength(text) === text.length ? Buffer.from(text, 'base64') : undefined;
  if (bytes !== undefined && bytes.byteLength > maxBytes) throw tooLarge(maxBytes);
  // Letters that do not belong are skipped by the decoder, so each of them costs bytes.
  if (bytes?.byteLength === Math.floor((letters * 3) / 4) && letters > 0) return bytes;
  throw new ProsamError(
    'REQUEST_INVALID',
    'Expected base64 without line breaks, got text that is not. Encode the bytes of the image file.',
  );
}

/** `data:image/png;base64,...`; the media type is not believed. @throws REQUEST_INVALID, IMAGE_TOO_LARGE */
export function readDataAddress(text: string, maxBytes: number): Uint8Array {
  const comma = text.slice(0, MAX_HEADER).indexOf(',');
  if (comma < 0 || !text.slice(0, comma).toLowerCase().endsWith(';base64')) {
    throw new ProsamError(
      'REQUEST_INVALID',
      'Expected a data: address with ;base64 before its comma, got another. Encode the image in base64.',
    );
  }
  return readBase64(text.slice(comma + 1), maxBytes);
}

function tooLarge(maxBytes: number): ProsamError {
  return new ProsamError(
    'IMAGE_TOO_LARGE',
    `Expected an image of at most ${maxBytes} bytes, got more. Shrink the image or raise the limit.`,
  );
}
