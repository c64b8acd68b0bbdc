/** CVAT for images 1.1: annotations.xml with polygons, masks, boxes and ellipses, and the images beside it. */
import { isProsamError, ProsamError } from '../../../core/common/errors.ts';
import { parseXml, type XmlElement } from '../../../core/common/xml.ts';
import { maskFromCvatRle } from '../../../core/mask/cvat-rle.ts';
import { DEFAULT_LIMITS } from '../../../core/image/node/decode.ts';
import { createLabels, createShapes, shapesAtHand, sideOf, type Gathered, type GatheredImage, type ReadContext } from './gathered.ts';
import { readWhole } from './lenient-json.ts';
import { bitmap, boxRing, ellipseRing, ringFrom } from './shapes.ts';
import { folderOf } from './tree.ts';

const LIMITS = { characters: 256 * 2 ** 20, elements: 10_000_000 };

/** files: those of the tree that are CVAT's. @throws DATASET_INVALID */
export async function readCvatXml({ tree, tally }: ReadContext, files: readonly string[]): Promise<Gathered> {
  const images: GatheredImage[] = [];
  const documents: { path: string; root: XmlElement }[] = [];
  for (const path of files) {
    const fail = (problem: string): ProsamError =>
      new ProsamError('DATASET_INVALID', `${tree.at(path)}: expected CVAT for images 1.1, but ${problem}. Export it again.`);
    documents.push({ path, root: parseXml(await readWhole(tree.at(path)), { ...LIMITS, fail }) });
  }
  const labels = createLabels([...new Set(documents.flatMap(({ root }) => declaredLabels(root)))]);
  let boxes = 0;
  for (const { path, root } of documents) {
    if (!root.children.some(({ tag }) => tag === 'image') && root.children.some(({ tag }) => tag === 'track'))
      throw new ProsamError(
        'DATASET_INVALID',
        `${tree.at(path)}: expected images with shapes, but it is "CVAT for video", which has tracks. Export "CVAT for images 1.1".`,
      );
    const own = folderOf(path);
    const below = (name: string): string => (own === '' ? name : `${own}/${name}`);
    for (const { tag, attributes, children } of root.children) {
      if (tag !== 'image') continue;
      const { name = '', subset = '' } = attributes;
      const found = tree.find(
        name,
        [below('images'), below(`images/${subset}`), own, below(subset)].map((place) => place.replace(/\/$/, '')),
      );
      if (found === undefined || found === 'outside') {
        tally.add(found === 'outside' ? 'path outside the folder' : 'image not found', name);
        continue;
      }
      const size = [Number(attributes['width']), Number(attributes['height'])] as const;
      if (!size.every((side) => Number.isInteger(side) && side > 0) || size[0] * size[1] > DEFAULT_LIMITS.maxPixels) {
        tally.add('unreadable entry', name);
        continue;
      }
      const shapes = createShapes(tally, name, size);
      for (const child of children) {
        if (child.tag === 'box') boxes++;
        await addShape(shapes, labels.numberOf(child.attributes['label'] ?? ''), child, size);
      }
      const side = sideOf(subset);
      images.push({ name, file: found.path, ...(side && { side }), size, ...shapesAtHand(shapes) });
    }
  }
  const notes = boxes === 0 ? [] : [`${boxes} boxes were read as filled rectangles: all that is inside counts as the object.`];
  return { labels: labels.all(), images, notes };
}

/** In the order of the task's or project's labels. */
function declaredLabels(root: XmlElement): string[] {
  const meta = root.children.find(({ tag }) => tag === 'meta');
  const visit = (element: XmlElement): string[] =>
    element.tag === 'label'
      ? element.children.flatMap(({ tag, text }) => (tag === 'name' && text !== '' ? [text.normalize('NFC').slice(0, 200)] : []))
      : element.children.flatMap(visit);
  return meta ? visit(meta) : [];
}

async function addShape(
  found: ReturnType<typeof createShapes>,
  label: number,
  { tag, attributes }: XmlElement,
  [width, height]: readonly [number, number],
): Promise<void> {
  const order = Number(attributes['z_order'] ?? 0) || 0;
  const numbers = (...names: string[]): number[] => names.map((name) => Number(attributes[name] ?? Number.NaN));
  switch (tag) {
    case 'polygon': {
      found.rings(label, [ringFrom((attributes['points'] ?? '').split(/[;,]/).map(Number))], order);
      return;
    }
    case 'box': {
      const corners = numbers('xtl', 'ytl', 'xbr', 'ybr') as [number, number, number, number];
      if (!corners.every(Number.isFinite)) {
        found.lost(label, 'not a number');
        return;
      }
      found.rings(label, [boxRing(corners, Number(attributes['rotation'] ?? 0) || 0)], order);
      return;
    }
    case 'ellipse': {
      const [cx, cy, rx, ry] = numbers('cx', 'cy', 'rx', 'ry') as [number, number, number, number];
      if (![cx, cy, rx, ry].every(Number.isFinite)) {
        found.lost(label, 'not a number');
        return;
      }
      found.rings(label, [ellipseRing([cx, cy], rx, ry, Number(attributes['rotation'] ?? 0) || 0)], order);
      return;
    }
    case 'mask': {
      const [left, top, columns, rows] = numbers('left', 'top', 'width', 'height') as [number, number, number, number];
      const runs = (attributes['rle'] ?? '').split(',').map(Number);
      try {
        const mask = maskFromCvatRle([...runs, left, top, left + columns - 1, top + rows - 1], width, height);
        found.mask(label, await bitmap(mask), order);
        return;
      } catch (error) {
        if (!isProsamError(error)) throw error;
        found.lost(label, 'broken run lengths');
        return;
      }
    }
    case 'polyline':
    case 'points':
    case 'cuboid':
    case 'skeleton': {
      found.lost(label, 'not an area');
      return;
    }
    default:
      return; // tags and attributes say nothing about pixels
  }
}
