/** Label maps as Pascal VOC keeps them, and CVAT's "Segmentation mask 1.1": SegmentationClass/, colours named by labelmap.txt. */
import { readFile } from 'node:fs/promises';
import { isProsamError, ProsamError } from '../../../core/common/errors.ts';
import { decodeImage } from '../../../core/image/node/decode.ts';
import { IGNORE_LABEL, type LabelMap } from '../../types.ts';
import { parseKeys } from '../image-lists.ts';
import { listed } from '../label-check.ts';
import { readLabelPng } from '../label-png.ts';
import { VOC_NAMES } from '../pascal-dataset.ts';
import { sideOf, type Gathered, type GatheredImage, type ReadContext, type Side } from './gathered.ts';
import { readWhole } from './lenient-json.ts';
import { baseOf, folderOf, stemOf, type Tree } from './tree.ts';

const MASKS = /^SegmentationClass(PNG|Raw|Aug)?$/i;
const MAX_LIST_BYTES = 64 * 2 ** 20;

/** Folders of label maps, relative to the tree. */
export function maskFolders(tree: Tree): string[] {
  return [...tree.folders]
    .filter((folder) => MASKS.test(baseOf(folder)) && tree.files.some((path) => path.startsWith(`${folder}/`)))
    .sort();
}

interface Palette {
  /** Names by number; 0 is the background. */
  names: readonly string[];
  /** Colour (r << 16 | g << 8 | b) -> number. */
  colours: ReadonlyMap<number, number>;
  /** Whether the numbers are the values of indexed files, too. */
  indexed: boolean;
  note?: string;
}

/** Only the first folder of label maps is read. @throws DATASET_INVALID */
export async function readVocMasks({ tree, tally }: ReadContext): Promise<Gathered> {
  const folder = maskFolders(tree)[0] ?? 'SegmentationClass';
  const root = folderOf(folder);
  const below = (name: string): string => (root === '' ? name : `${root}/${name}`);
  const palette = await paletteOf(tree, root);
  const photos = tree.without((path) => path.split('/').some((part) => /^Segmentation(Class|Object)/i.test(part)));
  const sides = await sidesOf(tree, below('ImageSets/Segmentation'));
  const images: GatheredImage[] = [];
  const carried = new Set<number>();
  for (const path of tree.files) {
    if (!path.startsWith(`${folder}/`) || !/\.png$/i.test(path)) continue;
    const key = stemOf(path.slice(folder.length + 1));
    const file = photos.imageOf(
      key,
      ['JPEGImages', 'images', ''].map((name) => (name === '' ? root : below(name))),
    );
    if (file === undefined) {
      tally.add('image not found', key);
      continue;
    }
    const map = (): Promise<LabelMap> => readMap(tree.at(path), palette);
    const drawn = new Set((await map()).data);
    drawn.delete(0);
    drawn.delete(IGNORE_LABEL);
    for (const number of drawn) carried.add(number);
    const side =
      sides.get(key.normalize('NFC')) ??
      key
        .split('/')
        .slice(0, -1)
        .map(sideOf)
        .find((one) => one !== undefined);
    images.push({ name: key, file, ...(side && { side }), drawn, doubtful: new Set(), shapes: () => Promise.resolve([]), map });
  }
  if (images.length === 0)
    throw new ProsamError(
      'DATASET_INVALID',
      `${tree.root}: expected the images of ${folder}/ (JPEGImages/ or images/, by the same names), but found none. ` +
        'Export the data with their images (in CVAT: "Save images"), or put the image files into JPEGImages/.',
    );
  const names = Array.from({ length: Math.max(palette.names.length, ...[...carried].map((number) => number + 1)) }, (_, number) => number)
    .slice(1)
    .map((number): [number, string] => [number, palette.names[number] ?? `class ${number}`]);
  return { labels: new Map(names), images, notes: palette.note === undefined ? [] : [palette.note] };
}

async function paletteOf(tree: Tree, root: string): Promise<Palette> {
  const fileOf = (name: string): string | undefined => tree.files.find((path) => folderOf(path) === root && baseOf(path) === name);
  const map = fileOf('labelmap.txt');
  if (map !== undefined) {
    const lines = (await readWhole(tree.at(map), 2 ** 20)).split(/\r?\n/).filter((line) => line.trim() !== '' && !line.startsWith('#'));
    const entries = lines.flatMap((line) => {
      const [, name = '', r, g, b] = /^(.+?):\s*(\d+)\s*,\s*(\d+)\s*,\s*(\d+)\s*(?::|$)/.exec(line) ?? [];
      return name === '' ? [] : [{ name: name.trim().normalize('NFC'), colour: (Number(r) << 16) | (Number(g) << 8) | Number(b) }];
    });
    const names = ['background', ...entries.filter(({ colour }) => colour !== 0).map(({ name }) => name)];
    const colours = new Map(entries.filter(({ colour }) => colour !== 0).map(({ colour }, i) => [colour, i + 1]));
    // Out of the way of 255: label maps hold 254 classes.
    if (names.length > 255)
      throw new ProsamError(
        'DATASET_INVALID',
        `${tree.at(map)}: expected at most 254 labels, got ${names.length - 1}. Split the data by label.`,
      );
    return { names, colours: new Map([[0, 0], ...colours]), indexed: false };
  }
  const colours = new Map(Array.from({ length: 255 }, (_, number) => [vocColour(number), number]));
  const list = fileOf('class_names.txt');
  if (list !== undefined) {
    const lines = (await readWhole(tree.at(list), 2 ** 20)).split(/\r?\n/).map((name) => name.trim().normalize('NFC'));
    return { names: lines.filter((name) => name !== '' && name !== '__ignore__'), colours, indexed: true };
  }
  if (tree.folders.has(root === '' ? 'ImageSets/Main' : `${root}/ImageSets/Main`))
    return { names: ['background', ...VOC_NAMES], colours, indexed: true };
  return { names: [], colours, indexed: true, note: 'there is no labelmap.txt, so that labels are named by their numbers.' };
}

/** Colour of a class in VOC's palette: its bits in turn, highest first, to red, green and blue. */
function vocColour(number: number): number {
  let [r, g, b] = [0, 0, 0];
  for (let bit = 7, rest = number; rest > 0; bit--, rest >>= 3) {
    r |= (rest & 1) << bit;
    g |= ((rest >> 1) & 1) << bit;
    b |= ((rest >> 2) & 1) << bit;
  }
  return (r << 16) | (g << 8) | b;
}

/** Borders of objects in VOC: the palette's last colour. */
const VOID = vocColour(255);

/** @throws DATASET_INVALID with the colours that nothing names */
async function readMap(file: string, { colours, indexed }: Palette): Promise<LabelMap> {
  if (indexed) {
    const map = await readLabelPng(file).catch((error: unknown) => {
      if (!isProsamError(error) || !/it is (RGB|grey with alpha)/.test(error.message)) throw error;
      return undefined;
    });
    if (map !== undefined) return map;
  }
  const { data: pixels, width, height } = await decodeImage(await readFile(file), file);
  const data = new Uint8Array(width * height);
  const unknown = new Map<number, number>();
  for (let i = 0; i < data.length; i++) {
    const colour = ((pixels[3 * i] as number) << 16) | ((pixels[3 * i + 1] as number) << 8) | (pixels[3 * i + 2] as number);
    const number = colours.get(colour) ?? (colour === VOID ? IGNORE_LABEL : undefined);
    if (number !== undefined) data[i] = number;
    else unknown.set(colour, (unknown.get(colour) ?? 0) + 1);
  }
  if (unknown.size === 0) return { data, width, height };
  const named = [...unknown]
    .sort(([, a], [, b]) => b - a)
    .map(([colour, count]) => `#${colour.toString(16).padStart(6, '0')} (${count} pixels)`);
  throw new ProsamError(
    'DATASET_INVALID',
    `${file}: expected the colours of labelmap.txt (or of VOC's palette), but it also holds ${listed(named, 5)}. Add them to labelmap.txt as name:r,g,b::, or save the label map without smoothing.`,
  );
}

/** Key -> its side, by the lists of ImageSets/Segmentation; what is tested is not trained. */
async function sidesOf(tree: Tree, folder: string): Promise<Map<string, Side>> {
  const sides = new Map<string, Side>();
  for (const [list, side] of [
    ['test', 'test'],
    ['val', 'test'],
    ['validation', 'test'],
    ['train', 'train'],
  ] as const) {
    const path = tree.files.find((one) => one.toLowerCase() === `${folder}/${list}.txt`.toLowerCase());
    if (path === undefined) continue;
    const text = await readWhole(tree.at(path), MAX_LIST_BYTES);
    const whole = text.split(/\r?\n/).map((line) => line.trim().normalize('NFC'));
    for (const key of [...whole, ...parseKeys(text)]) if (key !== '' && !sides.has(key)) sides.set(key, side);
  }
  return sides;
}
