/** Kinds of files people have beside images that can be read, told by their content first and by their ending second. */
/* eslint-disable no-control-regex -- signatures of binary files */
import { isBmp } from './bmp/head.ts';
import { isTiff, readTiff } from './tiff/ifd.ts';

/** Kinds that are decoded. */
export const READABLE_KINDS = ['JPEG', 'PNG', 'WebP', 'TIFF', 'AVIF', 'GIF', 'BMP'] as const;
export type ReadableKind = (typeof READABLE_KINDS)[number];

/** Names of those kinds in an error. */
export const READABLE_NAMES = 'JPEG, PNG, WebP, TIFF, AVIF, GIF or BMP';

/** Kinds that are recognised and not decoded, each with advice. */
export const OTHER_KINDS = {
  HEIC: 'a photo of an iPhone or a newer camera; convert it to JPEG, for example with `heif-convert in.heic out.jpg`, or set the phone to "most compatible"',
  SVG: 'a drawing; export it as PNG at the size it is meant for',
  PDF: 'a document; export its pages as PNG, for example with `pdftoppm -png in.pdf page`',
  RAW: "a camera's raw data; develop it to JPEG or TIFF, for example with `dcraw -T in.nef` or darktable",
  PSD: 'a file of an image editor; export it as PNG or TIFF',
  'JPEG XL': 'convert it to PNG, for example with `djxl in.jxl out.png`',
  'JPEG 2000': 'convert it to TIFF, for example with `opj_decompress -i in.jp2 -o out.tif`',
  DICOM: 'a medical image; convert it to PNG or TIFF, for example with `dcm2pnm +on2 in.dcm out.png`, choosing the window there',
  NIfTI: 'a medical volume; save the slices as PNG or TIFF, for example with nibabel in Python',
  EXR: 'convert it to a float TIFF, for example with `oiiotool in.exr -o out.tif`',
  FITS: 'an astronomical image; save it as a float TIFF, for example with astropy in Python',
  HDF5: 'a container of arrays; save the image in it as TIFF or PNG',
  NumPy: 'an array; save it as TIFF or PNG, for example with tifffile in Python',
  PNM: 'convert it to PNG, for example with `pnmtopng`',
  JPEG_LS: 'convert it to PNG',
  ICO: 'an icon; export one of its sizes as PNG',
  TGA: 'convert it to PNG',
  video: 'extract its frames, for example with `ffmpeg -i in.mp4 frame-%05d.png`',
  archive: 'unpack it first',
  HTML: 'a web page, often a sign-in page that was saved instead of the image; download the image again',
  'Git LFS': 'a pointer to the image; fetch it with `git lfs pull`',
} as const;
export type OtherKind = keyof typeof OTHER_KINDS;

/** Bytes of a file's beginning that tell its kind; a TIFF directory may lie further on. */
export const KIND_BYTES = 4096;

const SIGNATURES: readonly (readonly [RegExp, ReadableKind | OtherKind])[] = [
  [/^\xff\xd8\xff\xf7/, 'JPEG_LS'],
  [/^\xff\xd8\xff/, 'JPEG'],
  [/^\x89PNG\r\n/, 'PNG'],
  [/^RIFF[^]{4}WEBP/, 'WebP'],
  [/^GIF8[79]a/, 'GIF'],
  [/^8BPS\0[\x01\x02]/, 'PSD'],
  [/^%PDF-/, 'PDF'],
  [/^(\xff\x0a|\0\0\0\x0cJXL )/, 'JPEG XL'],
  [/^(\0\0\0\x0cjP {2}\r\n|\xff\x4f\xff\x51)/, 'JPEG 2000'],
  [/^[^]{128}DICM/, 'DICOM'],
  [/^[^]{344}(n\+1|ni1)\0/, 'NIfTI'],
  [/^(\x5c\x01\0\0|\0\0\x01\x5c)[^]{340}(n\+1|ni1)\0/, 'NIfTI'],
  [/^\x1c\x02\0\0n\+2\0/, 'NIfTI'],
  [/^\x76\x2f\x31\x01/, 'EXR'],
  [/^SIMPLE {2}= /, 'FITS'],
  [/^\x89HDF\r\n/, 'HDF5'],
  [/^\x93NUMPY/, 'NumPy'],
  [/^P[1-7][ \t\r\n#]/, 'PNM'],
  [/^\0\0[\x01\x02]\0[\x01-\x40]\0/, 'ICO'],
  [/^(FUJIFILMCCD-RAW|FOVb|IIRO|IIRS|IIU\0|\0MRM)/, 'RAW'],
  [/^(\x1a\x45\xdf\xa3|RIFF[^]{4}AVI |\0\0\x01[\xb3\xba])/, 'video'],
  [/^(\xef\xbb\xbf)?\s*<(!doctype html|html)[\s>]/i, 'HTML'],
  [/^version https:\/\/git-lfs\.github\.com\/spec\//, 'Git LFS'],
  [/^(PK\x03\x04|\x1f\x8b|7z\xbc\xaf|Rar!|BZh)/, 'archive'],
];

/** Brands of ISO media files by what they hold. */
const BRANDS: readonly (readonly [RegExp, ReadableKind | OtherKind])[] = [
  [/^avi[fs]$/, 'AVIF'],
  [/^(hei[cxms]|hev[cxms])$/, 'HEIC'],
  [/^crx $/, 'RAW'],
  [/^jxl $/, 'JPEG XL'],
];

/** Endings of kinds without a signature, or with that of another. */
const ENDINGS: Readonly<Record<string, OtherKind>> = {
  ...{ svg: 'SVG', svgz: 'SVG', tga: 'TGA', nii: 'NIfTI', dcm: 'DICOM', dicom: 'DICOM', hdr: 'EXR' },
  ...{ heic: 'HEIC', heif: 'HEIC', hif: 'HEIC', jxl: 'JPEG XL', jp2: 'JPEG 2000', psd: 'PSD', pdf: 'PDF' },
  ...{ dng: 'RAW', nef: 'RAW', nrw: 'RAW', arw: 'RAW', cr2: 'RAW', cr3: 'RAW', orf: 'RAW', rw2: 'RAW', raf: 'RAW', pef: 'RAW', srw: 'RAW' },
  ...{ '3fr': 'RAW', iiq: 'RAW', x3f: 'RAW' },
};
/** Endings that raw files of a TIFF structure have. */
const RAW_ENDING = /\.(dng|nef|nrw|arw|sr2|cr2|orf|rw2|pef|srw|3fr|iiq|erf|dcr|kdc|mef|mos)$/i;
/** Endings of images that can be read: a file that has one and is nothing known is a damaged image. */
const IMAGE_ENDING = /\.(jpe?g|jfif|jpe|png|apng|webp|tiff?|avif|gif|bmp|dib)$/i;

/**
 * Kind of a file: of an image that can be read, of another that people take for one, 'damaged' for one that only its ending calls an
 * image, undefined for anything else. start: its first KIND_BYTES, or all of it.
 */
export function fileKind(start: Uint8Array, name = ''): ReadableKind | OtherKind | 'damaged' | undefined {
  const byContent = kindOfContent(start, name);
  if (byContent === 'archive' && /\.nii\.gz$/i.test(name)) return 'NIfTI';
  if (byContent === 'archive' && /\.svgz$/i.test(name)) return 'SVG';
  if (byContent !== undefined) return byContent;
  const ending = /\.([^./\\]+)$/.exec(name)?.[1]?.toLowerCase() ?? '';
  if (Object.hasOwn(ENDINGS, ending)) return ENDINGS[ending];
  return IMAGE_ENDING.test(name) ? 'damaged' : undefined;
}

/** Does its ending call a file an image? HEIC, which is not read, included: its error says what to do. */
export function hasImageEnding(name: string): boolean {
  return IMAGE_ENDING.test(name) || /\.hei[cf]$/i.test(name);
}

/** Can files of this kind be read? */
export function isReadable(kind: string | undefined): kind is ReadableKind {
  return (READABLE_KINDS as readonly (string | undefined)[]).includes(kind);
}

function kindOfContent(start: Uint8Array, name: string): ReadableKind | OtherKind | undefined {
  const text = String.fromCharCode(...start.subarray(0, 400));
  if (/^[^]{4}ftyp/.test(text)) return kindOfMedia(start);
  if (isTiff(start)) return RAW_ENDING.test(name) || text.startsWith('CR', 8) || isRawTiff(start) ? 'RAW' : 'TIFF';
  if (isBmp(start)) return 'BMP';
  const found = SIGNATURES.find(([signature]) => signature.test(text))?.[1];
  if (found !== undefined) return found;
  return /^(\xef\xbb\xbf)?\s*(<\?xml[^>]*>\s*)?(<!--[^]*?-->\s*|<!DOCTYPE svg[^]*?>\s*)*<svg[\s>]/i.test(text) ? 'SVG' : undefined;
}

/** The main brand and those it is compatible with. */
function kindOfMedia(start: Uint8Array): ReadableKind | OtherKind {
  const length = Math.min(new DataView(start.buffer, start.byteOffset).getUint32(0), start.byteLength, 256);
  const brands: string[] = [];
  for (let at = 8; at + 4 <= length; at += at === 8 ? 8 : 4) brands.push(String.fromCharCode(...start.subarray(at, at + 4)));
  for (const brand of brands) {
    const kind = BRANDS.find(([pattern]) => pattern.test(brand))?.[1];
    if (kind !== undefined) return kind;
  }
  return brands.some((brand) => /^(mif1|miaf|msf1)$/.test(brand)) ? 'AVIF' : 'video';
}

function isRawTiff(start: Uint8Array): boolean {
  try {
    return readTiff(start, '').pages.some(({ raw }) => raw);
  } catch {
    return false; // the directory lies further on
  }
}

/** Advice for a kind that is not decoded, as part of a sentence; undefined for kinds that are. */
export function adviceFor(kind: string | undefined): string | undefined {
  return kind !== undefined && Object.hasOwn(OTHER_KINDS, kind) ? OTHER_KINDS[kind as OtherKind] : undefined;
}
