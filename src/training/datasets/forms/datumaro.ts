/** Datumaro's own form: annotations/SUBSET.json with items, images/ or images/SUBSET/ beside it. */
import { isProsamError } from '../../../core/common/errors.ts';
import { cocoRleArea, type CompressedRle } from '../../../core/mask/rle.ts';
import { createShapes, sideOf, shapesAtHand, type Gathered, type GatheredImage, type ReadContext } from './gathered.ts';
import { fieldsOf, listOf, numberOf, readJson, textOf } from './lenient-json.ts';
import { boxRing, ellipseRing, ringFrom, type FlatRing } from './shapes.ts';
import { baseOf, folderOf, stemOf } from './tree.ts';
import { uprightSize } from '../label-check.ts';

/** files: those of the tree that are Datumaro's. @throws DATASET_INVALID */
export async function readDatumaro({ tree, tally }: ReadContext, files: readonly string[]): Promise<Gathered> {
  const images: GatheredImage[] = [];
  const names = new Map<string, number>();
  const labels = new Map<number, string>();
  for (const path of files) {
    const content = fieldsOf(await readJson(tree.at(path)));
    const own = listOf(fieldsOf(fieldsOf(content['categories'])['label'])['labels']).map((label) => textOf(fieldsOf(label)['name']));
    const numbers = own.map((name = '') => {
      const number = names.get(name) ?? names.size;
      names.set(name, number);
      labels.set(number, name);
      return number;
    });
    const subset = stemOf(baseOf(path));
    const root = folderOf(folderOf(path));
    const below = (name: string): string => (root === '' ? name : `${root}/${name}`);
    const places = [below(`images/${subset}`), below('images'), below(subset), root];
    const side = sideOf(subset);
    for (const value of listOf(content['items'])) {
      const item = fieldsOf(value);
      const id = textOf(item['id']) ?? '';
      const media = fieldsOf(item['image'] ?? item['media']);
      const name = textOf(media['path']) ?? id;
      const named = tree.find(name, places);
      const stem = named === undefined && id !== '' ? tree.imageOf(id, places) : undefined;
      const file = typeof named === 'object' ? named.path : stem;
      if (file === undefined) {
        tally.add(named === 'outside' ? 'path outside the folder' : 'image not found', name);
        continue;
      }
      const [height, width] = listOf(media['size']).map(numberOf);
      const size = width !== undefined && height !== undefined ? ([width, height] as const) : await sizeOf(tree.at(file));
      if (size === undefined) {
        tally.add('unreadable image', name);
        continue;
      }
      const found = createShapes(tally, name, size);
      for (const annotation of listOf(item['annotations'])) {
        const fields = fieldsOf(annotation);
        const label = numbers[numberOf(fields['label_id']) ?? -1];
        if (label === undefined) tally.add('unknown label', `${name}: ${String(fields['label_id'])}`);
        else addShape(found, label, fields, size);
      }
      images.push({ name, file, ...(side && { side }), size, ...shapesAtHand(found) });
    }
  }
  return { labels, images, notes: [] };
}

async function sizeOf(file: string): Promise<readonly [number, number] | undefined> {
  const size = await uprightSize(file).catch(() => undefined);
  return size && [size.width, size.height];
}

function addShape(
  found: ReturnType<typeof createShapes>,
  label: number,
  fields: Readonly<Record<string, unknown>>,
  [width, height]: readonly [number, number],
): void {
  const order = numberOf(fields['z_order']) ?? 0;
  const points = listOf(fields['points']);
  switch (fields['type']) {
    case 'polygon': {
      found.rings(label, [ringFrom(points)], order);
      return;
    }
    case 'mask': {
      const rle = fieldsOf(fields['rle']) as unknown as CompressedRle;
      try {
        const area = cocoRleArea(rle);
        if (rle.size[0] === height && rle.size[1] === width) {
          found.mask(label, { rle, area }, order);
          return;
        }
      } catch (error) {
        if (!isProsamError(error)) throw error;
      }
      found.lost(label, 'broken run lengths');
      return;
    }
    case 'ellipse': {
      const [x0, y0, x1, y1] = points.map(numberOf);
      if (x0 === undefined || y0 === undefined || x1 === undefined || y1 === undefined) {
        found.lost(label, 'not a number');
        return;
      }
      found.rings(label, [ellipseRing([(x0 + x1) / 2, (y0 + y1) / 2], Math.abs(x1 - x0) / 2, Math.abs(y1 - y0) / 2)], order);
      return;
    }
    case 'bbox': {
      found.lost(label, 'box only', bboxRing(fields['bbox']));
      return;
    }
    default: {
      found.lost(label, 'not an area');
      return;
    }
  }
}

/** x, y, width, height. */
function bboxRing(value: unknown): FlatRing | undefined {
  const [x, y, width, height] = listOf(value).map(numberOf);
  if (x === undefined || y === undefined || width === undefined || height === undefined) return undefined;
  return boxRing([x, y, x + width, y + height]);
}
