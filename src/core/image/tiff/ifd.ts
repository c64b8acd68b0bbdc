/** Directories of a TIFF file: what each page is, before anything of it is unpacked. Plain TIFF and BigTIFF, either byte order. */
import { ProsamError } from '../../common/errors.ts';

/** Page of a TIFF file as its directory describes it. */
export interface TiffPage {
  width: number;
  height: number;
  /** Samples of a pixel, those beyond colour included. */
  channels: number;
  /** Bits of one sample. */
  bits: number;
  /** 1 unsigned, 2 signed, 3 float; others (undefined data, complex) as they stand. */
  sampleFormat: number;
  /** 0 white is zero, 1 black is zero, 2 RGB, 3 palette, 5 CMYK, 6 YCbCr, ... */
  photometric: number;
  compression: number;
  predictor: number;
  /** Each channel lies by itself. */
  separate: boolean;
  /** Meaning of the samples beyond colour: 0 unknown, 1 and 2 alpha. */
  extraSamples: readonly number[];
  /** A smaller version of another page of the file. */
  reduced: boolean;
  /** A mask of another page. */
  isMask: boolean;
  orientation: number;
  /** Size of a tile, or of a strip as wide as the page. */
  chunk: { width: number; height: number; tiled: boolean };
  /** Places and lengths of the strips or tiles, row by row, one channel after the other where they lie apart. @throws IMAGE_UNREADABLE */
  chunks: () => { offsets: readonly number[]; counts: readonly number[] };
  /** Value that stands for no data, where the file names one. */
  noData?: number;
  /** The text of ImageDescription, its beginning. */
  description: string;
  /** The camera's own data, not a picture. */
  raw: boolean;
}

export interface TiffFile {
  littleEndian: boolean;
  pages: readonly TiffPage[];
  /** There are more pages than were read. */
  more: boolean;
}

/** Pages whose directories are read. */
const MAX_PAGES = 4096;
/** Values of one entry: chunks of a page of a hundred million pixels in tiles of 16 x 16 fit. */
const MAX_VALUES = 2 ** 20;
const MAX_TEXT = 4096;
const MAX_ENTRIES = 4096;

/** Bytes of a value, by the number of its type. */
const TYPE_BYTES = [0, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8, 4, 0, 0, 8, 8, 8];

export function isTiff(bytes: Uint8Array): boolean {
  const start = String.fromCharCode(...bytes.subarray(0, 4));
  return /^(II[*+]\0|MM\0[*+])$/.test(start);
}

/** @throws IMAGE_UNREADABLE for directories that are damaged */
export function readTiff(bytes: Uint8Array, label: string): TiffFile {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const whole = <T>(read: () => T): T => {
    try {
      return read();
    } catch (cause) {
      throw new ProsamError(
        'IMAGE_UNREADABLE',
        `${label}: expected a TIFF image, but its directories are damaged. Write the image again.`,
        {
          cause,
        },
      );
    }
  };
  return whole(() => directories(view, whole));
}

/** Runs a reading of the file; what is beyond its end or out of bounds becomes an error with the file's name. */
type Whole = <T>(read: () => T) => T;

function directories(view: DataView, whole: Whole): TiffFile {
  const littleEndian = view.getUint8(0) === 0x49;
  const big = view.getUint16(2, littleEndian) === 43;
  const place = (at: number): number => (big ? Number(view.getBigUint64(at, littleEndian)) : view.getUint32(at, littleEndian));
  const pages: TiffPage[] = [];
  const seen = new Set<number>();
  let at = place(big ? 8 : 4);
  while (at !== 0 && !seen.has(at) && pages.length < MAX_PAGES) {
    seen.add(at);
    const count = big ? Number(view.getBigUint64(at, littleEndian)) : view.getUint16(at, littleEndian);
    if (count > MAX_ENTRIES) throw new RangeError(`a directory of ${count} entries`);
    const first = at + (big ? 8 : 2);
    const size = big ? 20 : 12;
    pages.push(pageOf(entriesOf({ view, littleEndian, big, first, count, size }), whole));
    at = place(first + count * size);
  }
  if (pages.length === 0) throw new RangeError('no directory');
  return { littleEndian, pages, more: at !== 0 && pages.length === MAX_PAGES };
}

interface Entries {
  /** most: values that are read of the tag. */
  numbers(tag: number, most: number): number[];
  text(tag: number): string;
  has(tag: number): boolean;
}

interface Directory {
  view: DataView;
  littleEndian: boolean;
  big: boolean;
  first: number;
  count: number;
  size: number;
}

function entriesOf({ view, littleEndian, big, first, count, size }: Directory): Entries {
  const places = new Map<number, number>();
  for (let i = 0; i < count; i++) places.set(view.getUint16(first + i * size, littleEndian), first + i * size);
  const found = (tag: number, most: number): { at: number; type: number; count: number } | undefined => {
    const entry = places.get(tag);
    if (entry === undefined) return undefined;
    const type = view.getUint16(entry + 2, littleEndian);
    const values = big ? Number(view.getBigUint64(entry + 4, littleEndian)) : view.getUint32(entry + 4, littleEndian);
    const bytes = (TYPE_BYTES[type] ?? 0) * values;
    if (bytes === 0 || values > MAX_VALUES) return undefined;
    const inside = entry + (big ? 12 : 8);
    const at =
      bytes <= (big ? 8 : 4) ? inside : big ? Number(view.getBigUint64(inside, littleEndian)) : view.getUint32(inside, littleEndian);
    return { at, type, count: Math.min(values, most) };
  };
  return {
    has: (tag) => places.has(tag),
    numbers(tag, most) {
      const entry = found(tag, most);
      if (entry === undefined) return [];
      const { at, type } = entry;
      const bytes = TYPE_BYTES[type] as number;
      return Array.from({ length: entry.count }, (_, i) => {
        const place = at + i * bytes;
        if (bytes === 1) return view.getUint8(place);
        if (bytes === 2) return view.getUint16(place, littleEndian);
        if (type === 16 || type === 18) return Number(view.getBigUint64(place, littleEndian));
        return view.getUint32(place, littleEndian);
      });
    },
    text(tag) {
      const entry = found(tag, MAX_TEXT);
      if (entry === undefined) return '';
      const letters = Array.from({ length: entry.count }, (_, i) => String.fromCharCode(view.getUint8(entry.at + i)));
      return letters.join('').split('\0')[0] as string;
    },
  };
}

/** Numbers of the tags, as the specification (TIFF 6.0) names them. */
const TAG = {
  ...{ newSubfileType: 254, width: 256, height: 257, bits: 258, compression: 259, photometric: 262, description: 270 },
  ...{ stripOffsets: 273, orientation: 274, channels: 277, rowsPerStrip: 278, stripCounts: 279, planar: 284, predictor: 317 },
  ...{ tileWidth: 322, tileHeight: 323, tileOffsets: 324, tileCounts: 325, extraSamples: 338, sampleFormat: 339 },
  ...{ noData: 42113, dngVersion: 50706 },
} as const;
const COLOUR_FILTER_ARRAY = 32803;

function pageOf(entries: Entries, whole: Whole): TiffPage {
  const one = (tag: number, otherwise: number): number => entries.numbers(tag, 1)[0] ?? otherwise;
  const [width, height] = [one(TAG.width, 0), one(TAG.height, 0)];
  const tiled = entries.has(TAG.tileWidth);
  const rows = Math.min(height, one(TAG.rowsPerStrip, height));
  const noData = Number(entries.text(TAG.noData).trim() || NaN);
  const kind = one(TAG.newSubfileType, 0);
  const photometric = one(TAG.photometric, 1);
  return {
    ...{ width, height, photometric },
    channels: one(TAG.channels, 1),
    bits: one(TAG.bits, 1),
    sampleFormat: one(TAG.sampleFormat, 1),
    compression: one(TAG.compression, 1),
    predictor: one(TAG.predictor, 1),
    separate: one(TAG.planar, 1) === 2,
    extraSamples: entries.numbers(TAG.extraSamples, 256),
    reduced: (kind & 1) === 1,
    isMask: (kind & 4) === 4,
    orientation: one(TAG.orientation, 1),
    chunk: tiled ? { width: one(TAG.tileWidth, 0), height: one(TAG.tileHeight, 0), tiled } : { width, height: rows, tiled },
    chunks: () =>
      whole(() => ({
        offsets: entries.numbers(tiled ? TAG.tileOffsets : TAG.stripOffsets, MAX_VALUES),
        counts: entries.numbers(tiled ? TAG.tileCounts : TAG.stripCounts, MAX_VALUES),
      })),
    ...(Number.isFinite(noData) && { noData }),
    description: entries.text(TAG.description),
    raw: entries.has(TAG.dngVersion) || photometric === COLOUR_FILTER_ARRAY,
  };
}
