/** Label Studio's own exports, JSON and JSON-MIN: brush masks, polygons, rectangles and ellipses in percent. */
import { hasImageEnding } from '../../../core/image/file-kinds.ts';
import { isProsamError } from '../../../core/common/errors.ts';
import { decodeBrushRle } from '../../../core/mask/brush-rle.ts';
import { DEFAULT_LIMITS } from '../../../core/image/node/decode.ts';
import { maskFromAlphaPng } from '../../../core/image/node/alpha-png.ts';
import { uprightSize } from '../label-check.ts';
import { createLabels, createShapes, shapesAtHand, type Gathered, type GatheredImage, type ReadContext } from './gathered.ts';
import { fieldsOf, listOf, numberOf, readJson, textOf } from './lenient-json.ts';
import { bitmap, boxRing, ellipseRing, ringFrom } from './shapes.ts';
import { baseOf, type Tree } from './tree.ts';

type Fields = Readonly<Record<string, unknown>>;

/** Words before "labels" in the names of controls whose regions have an area. */
const KINDS = ['brush', 'bitmask', 'polygon', 'rectangle', 'ellipse'] as const;

/** files: those of the tree that are Label Studio's. Images are found by their file names. @throws DATASET_INVALID */
export async function readLabelStudio({ tree, tally, options }: ReadContext, files: readonly string[]): Promise<Gathered> {
  const images: GatheredImage[] = [];
  const labels = createLabels();
  let boxes = 0;
  for (const path of files) {
    for (const value of listOf(await readJson(tree.at(path)))) {
      options.signal?.throwIfAborted();
      const task = fieldsOf(value);
      const address = addressOf(task);
      if (address === undefined) {
        tally.add('unreadable entry', `task ${String(task['id'])}`);
        continue;
      }
      const file = imageFor(tree, address);
      if (file === undefined) {
        tally.add('image not found', address);
        continue;
      }
      const annotations = listOf(task['annotations']).map(fieldsOf);
      const whole = annotations.filter((one) => one['was_cancelled'] !== true);
      if (annotations.length > 0 && whole.length === 0) {
        tally.add('cancelled', address);
        continue;
      }
      if (whole.length > 1) tally.add('other annotator', address, whole.length - 1);
      const regions = annotations.length > 0 ? listOf(whole.at(-1)?.['result']).map(fieldsOf) : minimalRegions(task);
      const size = await uprightSize(tree.at(file)).catch(() => undefined);
      if (size === undefined) {
        tally.add('unreadable image', address);
        continue;
      }
      const { width, height } = size;
      const other = regions.find(
        (one) => one['original_width'] !== undefined && (one['original_width'] !== width || one['original_height'] !== height),
      );
      if (other) {
        tally.add(
          'another size',
          `${address} (${width} x ${height}, annotated as ${String(other['original_width'])} x ${String(other['original_height'])})`,
        );
        continue;
      }
      const found = createShapes(tally, address, [width, height]);
      for (const region of regions) if (await addRegion(found, labels, region, width, height)) boxes++;
      images.push({ name: address, file, size: [width, height], ...shapesAtHand(found) });
    }
  }
  const notes = boxes === 0 ? [] : [`${boxes} rectangles were read as filled: all that is inside counts as the object.`];
  return { labels: labels.all(), images, notes };
}

/** The first field of a task's data that names an image. */
function addressOf(task: Fields): string | undefined {
  const data = task['data'] === undefined ? task : fieldsOf(task['data']);
  const texts = Object.values(data).flatMap((value) => textOf(value) ?? []);
  return texts.find((text) => hasImageEnding(pathIn(text)) && text.length < 5000);
}

/** Path of the file behind an address: `/data/upload/1/x.jpg`, `/data/local-files/?d=a/x.jpg`, `s3://bucket/x.jpg`. */
function pathIn(address: string): string {
  const local = /[?&]d=([^&]*)/.exec(address)?.[1];
  const path = local ?? address.replace(/[?#].*$/, '').replace(/^[a-z0-9]+:\/\/[^/]*\/?/i, '');
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}

/** By the path, by the name alone, and by the name before the upload put eight characters in front. */
function imageFor(tree: Tree, address: string): string | undefined {
  const path = pathIn(address).replace(/^[/\\]+/, '');
  const name = baseOf(path.replaceAll('\\', '/'));
  for (const candidate of [path, name, name.replace(/^[0-9a-f]{8}-/, '')]) {
    const found = tree.find(candidate, ['', 'images']);
    if (typeof found === 'object') return found.path;
  }
  return undefined;
}

/** JSON-MIN keeps the regions of each control in a field of the task. */
function minimalRegions(task: Fields): Fields[] {
  return Object.values(task).flatMap((value) =>
    listOf(value).flatMap((one) => {
      const fields = fieldsOf(one);
      const kind = KINDS.find((word) => fields[`${word}labels`] !== undefined);
      return kind === undefined ? [] : [{ ...fields, type: `${kind}labels`, value: fields }];
    }),
  );
}

/** -> whether it was a rectangle */
async function addRegion(
  found: ReturnType<typeof createShapes>,
  labels: ReturnType<typeof createLabels>,
  region: Fields,
  width: number,
  height: number,
): Promise<boolean> {
  const type = textOf(region['type'])?.toLowerCase() ?? '';
  const value = fieldsOf(region['value']);
  const names = listOf(value[type] ?? value['labels']).flatMap((name) => textOf(name) ?? []);
  const kind = KINDS.find((word) => type.startsWith(word));
  for (const name of names) {
    const label = labels.numberOf(name);
    if (kind === undefined) found.lost(label, 'not an area');
    else if (kind === 'brush' || kind === 'bitmask') {
      try {
        const mask = kind === 'brush' ? await decodeBrushRle(listOf(value['rle']), width, height) : await bitmaskOf(value, width, height);
        found.mask(label, await bitmap(mask));
      } catch (error) {
        if (!isProsamError(error)) throw error;
        found.lost(label, 'broken run lengths');
      }
    } else found.rings(label, [outlineOf(kind, value, width, height)]);
  }
  return kind === 'rectangle' && names.length > 0;
}

async function bitmaskOf(value: Fields, width: number, height: number) {
  const text = (textOf(value['imageDataURL']) ?? '').replace(/^data:[^,]*,/, '');
  return maskFromAlphaPng(Buffer.from(text.slice(0, 2 * DEFAULT_LIMITS.maxBytes), 'base64'), width, height);
}

/** Percent of the image; a rectangle is turned around its first corner. */
function outlineOf(kind: 'polygon' | 'rectangle' | 'ellipse', value: Fields, width: number, height: number) {
  const number = (name: string, scale: number): number => ((numberOf(value[name]) ?? Number.NaN) * scale) / 100;
  const degrees = numberOf(value['rotation']) ?? 0;
  if (kind === 'polygon') return ringFrom(listOf(value['points']), width / 100, height / 100);
  const [x, y] = [number('x', width), number('y', height)];
  const ring =
    kind === 'rectangle'
      ? boxRing([x, y, x + number('width', width), y + number('height', height)], degrees, [x, y])
      : ellipseRing([x, y], number('radiusX', width), number('radiusY', height), degrees);
  return ring.every(Number.isFinite) ? ring : ('not a number' as const);
}
