/** Format and size of an image file from its first bytes, before anything is unpacked. */

export interface ImageHeader {
  format: 'jpeg' | 'png' | 'webp' | 'gif' | 'avif';
  /** Size as stored, before any rotation; absent where only decoding reveals it. */
  size?: { width: number; height: number };
}

/** Undefined for anything else than an image file that browsers decode (SVG and PDF would run a renderer on foreign input). */
export function readImageHeader(bytes: Uint8Array): ImageHeader | undefined {
  const start = String.fromCharCode(...bytes.subarray(0, 32));
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (start.startsWith('\x89PNG\r\n\x1a\n')) return { format: 'png', ...sized(view, 24, () => [view.getUint32(16), view.getUint32(20)]) };
  if (/^GIF8[79]a/.test(start)) return { format: 'gif', ...sized(view, 10, () => [view.getUint16(6, true), view.getUint16(8, true)]) };
  if (/^RIFF[^]{4}WEBP/.test(start)) return { format: 'webp', ...sized(view, 30, () => webpSize(view, start.slice(12, 16))) };
  if (start.startsWith('\xff\xd8\xff')) return { format: 'jpeg', ...sized(view, 4, () => jpegSize(view)) };
  if (/^[^]{4}ftyp(avif|avis|mif1|miaf)/.test(start)) return { format: 'avif' };
  return undefined;
}

type Size = [width: number, height: number];

function sized(view: DataView, least: number, read: () => Size | undefined): Pick<ImageHeader, 'size'> {
  const found = view.byteLength >= least ? read() : undefined;
  return found ? { size: { width: found[0], height: found[1] } } : {};
}

/** Lossy, lossless and extended files keep it in three places. */
function webpSize(view: DataView, chunk: string): Size | undefined {
  if (chunk === 'VP8 ') return [view.getUint16(26, true) & 0x3fff, view.getUint16(28, true) & 0x3fff];
  if (chunk === 'VP8L') {
    const bits = view.getUint32(21, true);
    return [(bits & 0x3fff) + 1, ((bits >>> 14) & 0x3fff) + 1];
  }
  if (chunk === 'VP8X') return [uint24(view, 24) + 1, uint24(view, 27) + 1];
  return undefined;
}

function uint24(view: DataView, at: number): number {
  return view.getUint16(at, true) | (view.getUint8(at + 2) << 16);
}

/** The frame header comes after segments of announced lengths: metadata, tables, previews. */
function jpegSize(view: DataView): Size | undefined {
  let at = 2;
  while (at + 9 <= view.byteLength) {
    if (view.getUint8(at) !== 0xff) return undefined;
    const marker = view.getUint8(at + 1);
    if (marker === 0xff) {
      at++; // filling
      continue;
    }
    const isFrame = marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc;
    if (isFrame) return [view.getUint16(at + 7), view.getUint16(at + 5)];
    if (marker === 0xd9 || marker === 0xda) return undefined;
    at += 2 + (marker >= 0xd0 && marker <= 0xd8 ? 0 : view.getUint16(at + 2));
  }
  return undefined;
}
