/** Head of a BMP file: OS/2 1.x, Windows 3, and the longer ones with bit fields (V2 to V5). */
import { ProsamError } from '../../common/errors.ts';

export interface BmpHead {
  width: number;
  height: number;
  /** Rows begin at the top. */
  topDown: boolean;
  bits: 1 | 4 | 8 | 16 | 24 | 32;
  packing: 'none' | 'rle4' | 'rle8' | 'fields';
  /** Bits of red, green, blue and alpha; all zero where there are none. */
  fields: readonly [red: number, green: number, blue: number, alpha: number];
  /** Red, green, blue of each palette entry. */
  palette: Uint8Array;
  /** Place of the pixels. */
  offset: number;
}

const MAX_PALETTE = 256;

export function isBmp(bytes: Uint8Array): boolean {
  if (bytes.byteLength < 26 || bytes[0] !== 0x42 || bytes[1] !== 0x4d) return false;
  const size = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getUint32(14, true);
  return [12, 16, 40, 52, 56, 64, 108, 124].includes(size);
}

/** @throws IMAGE_UNREADABLE */
export function readBmpHead(bytes: Uint8Array, label: string): BmpHead {
  const refuse = (problem: string): never => {
    throw new ProsamError('IMAGE_UNREADABLE', `${label}: expected a BMP image that can be read, but ${problem}. Save it again as PNG.`);
  };
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const size = view.getUint32(14, true);
  const old = size === 12;
  if (bytes.byteLength < 14 + size) refuse('its head is cut off');
  const width = old ? view.getUint16(18, true) : view.getInt32(18, true);
  const stored = old ? view.getUint16(20, true) : view.getInt32(22, true);
  const bits = view.getUint16(old ? 24 : 28, true);
  const compression = old || size < 40 ? 0 : view.getUint32(30, true);
  if (width < 0) refuse(`its width is ${width}`);
  if (compression === 4 || compression === 5) refuse(`it only wraps a ${compression === 4 ? 'JPEG' : 'PNG'} for printers`);
  if (![1, 4, 8, 16, 24, 32].includes(bits)) refuse(`it has ${bits} bits a pixel where 1, 4, 8, 16, 24 or 32 are known`);
  const packings = { 0: 'none', 1: 'rle8', 2: 'rle4', 3: 'fields', 6: 'fields' } as const;
  // Of OS/2's own packings (Huffman, RLE of 24 bits) numbers 3 and 4 mean something else.
  const packing =
    (size === 64 && compression > 2 ? undefined : packings[compression as keyof typeof packings]) ??
    refuse(`its packing ${compression} is not known`);
  const fits = { none: true, rle8: bits === 8, rle4: bits === 4, fields: bits === 16 || bits === 32 }[packing];
  if (!fits) refuse(`its packing ${packing} does not go with ${bits} bits a pixel`);
  const topDown = stored < 0;
  if (topDown && (packing === 'rle4' || packing === 'rle8')) refuse('run lengths do not go with rows from the top');
  const inHead = size >= 52;
  const after = !inHead && packing === 'fields' ? (compression === 6 ? 16 : 12) : 0;
  if (bytes.byteLength < 14 + size + after) refuse('its bit fields are cut off');
  const field = (i: number): number => (i < 3 || size >= 56 || compression === 6 ? view.getUint32(54 + 4 * i, true) : 0);
  const fields = packing === 'fields' ? ([field(0), field(1), field(2), field(3)] as const) : usualFields(bits);
  const colours = bits > 8 ? 0 : (old || size < 40 ? 0 : view.getUint32(46, true)) || 2 ** bits;
  const palette = paletteOf(bytes.subarray(14 + size + after), Math.min(colours, MAX_PALETTE), old ? 3 : 4);
  return {
    width,
    height: Math.abs(stored),
    topDown,
    bits: bits as BmpHead['bits'],
    packing,
    fields,
    palette,
    offset: view.getUint32(10, true),
  };
}

/** Without fields of their own, 16 bits are 5 each, and the fourth byte of 32 is filling. */
function usualFields(bits: number): BmpHead['fields'] {
  return bits === 16 ? [0x7c00, 0x3e0, 0x1f, 0] : [0xff0000, 0xff00, 0xff, 0];
}

/** Entries that the file does not have stay black. */
function paletteOf(bytes: Uint8Array, colours: number, step: number): Uint8Array {
  const palette = new Uint8Array(3 * 256);
  for (let i = 0; i < colours && (i + 1) * step <= bytes.byteLength; i++)
    palette.set([bytes[i * step + 2] as number, bytes[i * step + 1] as number, bytes[i * step] as number], 3 * i);
  return palette;
}
