/** The palette of an indexed PNG, from the head of its file: decoders give colours and forget the indices. */

const SIGNATURE = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];
const INDEXED = 3;
/** Chunks before the pixels. */
const MAX_CHUNKS = 1000;

/** Colours (r << 16 | g << 8 | b) by index; undefined for any other file. */
export function pngPalette(bytes: Uint8Array): number[] | undefined {
  if (!SIGNATURE.every((byte, i) => bytes[i] === byte) || bytes[25] !== INDEXED) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = SIGNATURE.length;
  for (let chunk = 0; chunk < MAX_CHUNKS && at + 12 <= bytes.byteLength; chunk++) {
    const length = view.getUint32(at);
    const type = String.fromCharCode(...bytes.subarray(at + 4, at + 8));
    if (type === 'PLTE' && length % 3 === 0 && length <= 768 && at + 8 + length <= bytes.byteLength)
      return Array.from({ length: length / 3 }, (_, i) => (view.getUint16(at + 8 + 3 * i) << 8) | view.getUint8(at + 10 + 3 * i));
    if (type === 'IDAT') return undefined;
    at += 12 + length;
  }
  return undefined;
}
