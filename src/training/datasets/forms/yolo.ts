/** YOLO-seg, as Ultralytics trains it: data.yaml, and a text file an image with one outline a line, in shares of the image. */
import { hasImageEnding } from '../../../core/image/file-kinds.ts';
import { parse as parseYaml } from 'yaml';
import { ProsamError } from '../../../core/common/errors.ts';
import { uprightSize } from '../label-check.ts';
import { createShapes, shapesAtHand, sideOf, type Gathered, type GatheredImage, type ReadContext, type Side } from './gathered.ts';
import { fieldsOf, listOf, readWhole, textOf } from './lenient-json.ts';
import { boxRing, ringFrom } from './shapes.ts';
import { baseOf, cleanPath, folderOf, stemOf, type Tree } from './tree.ts';

const MAX_YAML_BYTES = 2 ** 20;
const MAX_LABEL_BYTES = 16 * 2 ** 20;
const SPLITS = ['train', 'val', 'valid', 'validation', 'test'] as const;
/** Numbers of a line with a box: class, centre and size, and perhaps a confidence. */
const BOX_FIELDS = new Set([5, 6]);

interface Config {
  /** Path of the file in the tree, if there is one. */
  file?: string;
  names: readonly string[];
  /** Split -> what it names: folders or lists of images. */
  splits: readonly (readonly [name: string, entries: readonly string[]])[];
}

/** Fields of a YAML file; undefined for what is none. Aliases are few: a small file cannot grow. */
export async function readYaml(file: string): Promise<Readonly<Record<string, unknown>> | undefined> {
  const text = await readWhole(file, MAX_YAML_BYTES).catch(() => undefined);
  if (text === undefined) return undefined;
  try {
    return fieldsOf(parseYaml(text, { maxAliasCount: 100, logLevel: 'silent' }));
  } catch {
    return undefined;
  }
}

/** Whether a YAML file describes such data. */
export function isYoloConfig(fields: Readonly<Record<string, unknown>>): boolean {
  const names = fields['names'];
  return (Array.isArray(names) || Object.keys(fieldsOf(names)).length > 0) && SPLITS.some((split) => fields[split] !== undefined);
}

/** @throws DATASET_INVALID for boxes and poses, which have no outlines */
export async function readYolo({ tree, tally, only }: ReadContext): Promise<Gathered> {
  const config = await configOf(tree, only);
  const images: GatheredImage[] = [];
  const counts = { outlines: 0, boxes: 0 };
  for (const [path, side] of await imagesOf(tree, config)) {
    const file = labelFileOf(path, tree);
    const size = await uprightSize(tree.at(path)).catch(() => undefined);
    if (size === undefined) {
      tally.add('unreadable image', path);
      continue;
    }
    const { width, height } = size;
    const found = createShapes(tally, path, [width, height]);
    const text = file === undefined ? '' : await readWhole(tree.at(file), MAX_LABEL_BYTES);
    for (const line of text.split(/\r?\n/)) {
      const words = line.trim().split(/\s+/);
      if (words[0] === '') continue;
      const numbers = words.map(Number);
      const [label = NaN, ...rest] = numbers;
      if (!numbers.every(Number.isFinite)) tally.add('not a number', `${file}: ${line.slice(0, 40)}`);
      else if (!Number.isInteger(label) || label < 0 || label >= config.names.length) tally.add('unknown label', `${file}: ${label}`);
      else if (BOX_FIELDS.has(numbers.length)) {
        counts.boxes++;
        const [cx, cy, w, h] = rest as [number, number, number, number];
        found.lost(label, 'box only', boxRing([(cx - w / 2) * width, (cy - h / 2) * height, (cx + w / 2) * width, (cy + h / 2) * height]));
      } else {
        counts.outlines++;
        found.rings(label, [ringFrom(rest, width, height)]);
      }
    }
    images.push({ name: path, file: path, ...(side && { side }), size: [width, height], ...shapesAtHand(found) });
  }
  if (counts.outlines === 0 && counts.boxes > 0)
    throw new ProsamError(
      'DATASET_INVALID',
      `${tree.root}: expected outlines, but its ${counts.boxes} labels are boxes (YOLO detection: class, x, y, width, height a line). ` +
        'Boxes have no outlines: export the data as YOLO-seg (class, x1, y1, x2, y2, x3, y3, ...), or as COCO with segmentations.',
    );
  return { labels: new Map(config.names.map((name, i) => [i, name])), images, notes: [] };
}

async function configOf(tree: Tree, only: string | undefined): Promise<Config> {
  const candidates = only !== undefined ? [only] : tree.files.filter((path) => /\.ya?ml$/i.test(path) && path.split('/').length <= 2);
  for (const file of candidates) {
    const fields = await readYaml(tree.at(file));
    if (!fields || !isYoloConfig(fields)) continue;
    if (fields['kpt_shape'] !== undefined)
      throw new ProsamError(
        'DATASET_INVALID',
        `${tree.at(file)}: expected outlines, but it describes poses (kpt_shape). Export the data as YOLO-seg.`,
      );
    const base = textOf(fields['path']);
    const splits = SPLITS.flatMap((split): [string, string[]][] => {
      const entries = (Array.isArray(fields[split]) ? listOf(fields[split]) : [fields[split]]).flatMap((entry) => textOf(entry) ?? []);
      return entries.length === 0 ? [] : [[split, entries.map((entry) => placeOf(tree, folderOf(file), base, entry))]];
    });
    return { file, names: namesOf(fields['names'], tree.at(file)), splits };
  }
  const classes = tree.files.find((path) => /^(classes|obj)\.(txt|names)$/i.test(baseOf(path)));
  if (classes === undefined)
    throw new ProsamError(
      'DATASET_INVALID',
      `${tree.root}: read as YOLO-seg: expected the names of the classes, but there is no data.yaml with "names" and no classes.txt. Put one there.`,
    );
  const names = (await readWhole(tree.at(classes), MAX_YAML_BYTES)).split(/\r?\n/).map((name) => name.trim());
  return { names: names.filter((name, i) => name !== '' || i < names.length - 1), splits: [] };
}

/** List, or class -> name. */
function namesOf(value: unknown, file: string): string[] {
  if (Array.isArray(value)) return value.map((name, i) => nameOf(name) ?? `class ${i}`);
  const fields = fieldsOf(value);
  const ids = Object.keys(fields).map(Number);
  if (!ids.every((id) => Number.isInteger(id) && id >= 0 && id < 10_000))
    throw new ProsamError(
      'DATASET_INVALID',
      `${file}: expected class numbers as the keys of "names", got ${Object.keys(fields).slice(0, 5).join(', ')}.`,
    );
  return Array.from({ length: Math.max(-1, ...ids) + 1 }, (_, id) => nameOf(fields[String(id)]) ?? `class ${id}`);
}

/** A name of digits, or yes and no, comes as a number or a truth value. */
function nameOf(value: unknown): string | undefined {
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : textOf(value);
}

/** The folder or list in the tree: below "path", below the file's own folder, or with the way out of it cut off, as Roboflow writes it. */
function placeOf(tree: Tree, own: string, base: string | undefined, entry: string): string {
  const has = (path: string): boolean => path === '' || tree.folders.has(path) || tree.files.includes(path);
  const candidates = [base === undefined ? undefined : `${base}/${entry}`, entry, entry.replace(/^(\.\.?[/\\])+/, '')];
  for (const candidate of candidates) {
    const clean = candidate === undefined ? undefined : (cleanPath(candidate) ?? (/^\.?[/\\]?$/.test(candidate) ? '' : undefined));
    if (clean === undefined) continue;
    for (const path of [own === '' || clean === '' ? own + clean : `${own}/${clean}`, clean]) if (has(path)) return path;
  }
  return entry;
}

/** Images with their side; of all folders where the file names none that is there. */
async function imagesOf(tree: Tree, { splits }: Config): Promise<Map<string, Side | undefined>> {
  const found = new Map<string, Side | undefined>();
  const add = (path: string, side: Side | undefined): void => {
    if (hasImageEnding(path) && !found.has(path)) found.set(path, side);
  };
  for (const [split, entries] of splits) {
    for (const entry of entries) {
      if (tree.files.includes(entry) && entry.endsWith('.txt')) {
        const lines = (await readWhole(tree.at(entry), MAX_LABEL_BYTES)).split(/\r?\n/);
        for (const line of lines) {
          const named = line.trim() === '' ? undefined : tree.find(line.trim(), [folderOf(entry), '']);
          if (typeof named === 'object') add(named.path, sideOf(split));
        }
      } else if (entry === '' || tree.folders.has(entry)) {
        const prefix = entry === '' ? '' : `${entry}/`;
        for (const path of tree.files) if (path.startsWith(prefix)) add(path, sideOf(split));
      }
    }
  }
  if (found.size > 0) return found;
  for (const path of tree.files) {
    if (labelFileOf(path, tree) === undefined && !/(^|\/)images\//.test(path)) continue;
    add(
      path,
      path
        .split('/')
        .map(sideOf)
        .find((side) => side !== undefined),
    );
  }
  return found;
}

/** labels/ for the last images/ of the path, or beside the image. */
function labelFileOf(path: string, tree: Tree): string | undefined {
  if (!hasImageEnding(path)) return undefined;
  const at = `/${path}`.lastIndexOf('/images/');
  const candidates = [`${stemOf(path)}.txt`];
  if (at >= 0) candidates.unshift(`${`/${stemOf(path)}`.slice(0, at)}/labels/${`/${stemOf(path)}`.slice(at + 8)}.txt`.replace(/^\//, ''));
  for (const candidate of candidates) {
    const found = tree.find(candidate);
    if (typeof found === 'object') return found.path;
  }
  return undefined;
}
