/** labelme: a JSON file an image, with shapes in pixels; the image beside it or inside it. */
import { join } from 'node:path';
import { writeFile } from 'node:fs/promises';
import { decodeGrey, DEFAULT_LIMITS } from '../../../core/image/node/decode.ts';
import { isProsamError } from '../../../core/common/errors.ts';
import { emptyMask } from '../../../core/mask/raster.ts';
import { uprightSize } from '../label-check.ts';
import { createLabels, createShapes, shapesAtHand, sideOf, type Gathered, type GatheredImage, type ReadContext } from './gathered.ts';
import { fieldsOf, listOf, numberOf, readJson, textOf } from './lenient-json.ts';
import { bitmap, boxRing, ellipseRing, ringFrom } from './shapes.ts';
import { ownTemporaryFolder } from './temporary-folder.ts';
import { baseOf, folderOf, stemOf } from './tree.ts';

/** files: those of the tree that may be labelme's. Images that are only in the files are written to a temporary folder while the process runs. */
export async function readLabelme({ tree, tally, options }: ReadContext, files: readonly string[]): Promise<Gathered> {
  const images: GatheredImage[] = [];
  const labels = createLabels();
  let [boxes, embedded] = [0, 0];
  let spare: string | undefined;
  for (const path of files) {
    options.signal?.throwIfAborted();
    const content = await readJson(tree.at(path)).catch((error: unknown) => {
      if (!isProsamError(error)) throw error;
      tally.add('unreadable entry', path);
      return undefined;
    });
    if (content === undefined) continue;
    const fields = fieldsOf(content);
    if (!Array.isArray(fields['shapes'])) {
      tally.add('other file', path);
      continue;
    }
    const named = textOf(fields['imagePath']);
    const own = folderOf(path);
    // The path may lead out of the file's folder, yet not out of the data's: only its name is looked for then.
    const found = named === undefined ? undefined : tree.find(named.replace(/^(\.\.?[/\\])+/, ''), [own, folderOf(own), '']);
    const beside = tree.imageOf(stemOf(path)) ?? tree.imageOf(stemOf(baseOf(path)));
    const file = typeof found === 'object' ? found.path : beside;
    let place = file === undefined ? undefined : tree.at(file);
    const inside = textOf(fields['imageData']);
    if (place === undefined && inside !== undefined && inside.length < 2 * DEFAULT_LIMITS.maxBytes) {
      spare ??= await ownTemporaryFolder();
      place = join(spare, `${String(embedded++)}.image`);
      await writeFile(place, Buffer.from(inside, 'base64'));
    }
    if (place === undefined) {
      tally.add(found === 'outside' ? 'path outside the folder' : 'image not found', named ?? path);
      continue;
    }
    const real = await uprightSize(place).catch(() => undefined);
    if (real === undefined) {
      tally.add('unreadable image', named ?? path);
      continue;
    }
    const { width, height } = real;
    const stated = [numberOf(fields['imageWidth']) ?? width, numberOf(fields['imageHeight']) ?? height];
    if (stated[0] !== width || stated[1] !== height) {
      tally.add('another size', `${path} (${width} x ${height}, annotated as ${stated.join(' x ')})`);
      continue;
    }
    const shapes = createShapes(tally, path, [width, height]);
    for (const value of listOf(fields['shapes'])) {
      const shape = fieldsOf(value);
      const label = labels.numberOf(textOf(shape['label']) ?? 'unnamed');
      if (shape['shape_type'] === 'rectangle') boxes++;
      await addShape(shapes, label, shape, [width, height]);
    }
    const side = path
      .split('/')
      .slice(0, -1)
      .map(sideOf)
      .find((one) => one !== undefined);
    images.push({
      name: named ?? path,
      file: file ?? `${stemOf(path)}.image`,
      place,
      ...(side && { side }),
      ...shapesAtHand(shapes),
    });
  }
  const notes = [
    ...(boxes > 0 ? [`${boxes} rectangles were read as filled: all that is inside counts as the object.`] : []),
    ...(embedded > 0 ? [`${embedded} images were taken out of their JSON files (imageData), because there are no image files.`] : []),
  ];
  return { labels: labels.all(), images, notes };
}

async function addShape(
  found: ReturnType<typeof createShapes>,
  label: number,
  shape: Readonly<Record<string, unknown>>,
  [width, height]: readonly [number, number],
): Promise<void> {
  const points = listOf(shape['points']).map((point) => listOf(point).map(numberOf));
  const [[x0, y0] = [], [x1, y1] = []] = points;
  const two = x0 !== undefined && y0 !== undefined && x1 !== undefined && y1 !== undefined ? ([x0, y0, x1, y1] as const) : undefined;
  switch (shape['shape_type'] ?? 'polygon') {
    case 'polygon': {
      found.rings(label, [ringFrom(points)]);
      return;
    }
    case 'rectangle':
      if (points.length === 4) {
        found.rings(label, [ringFrom(points)]);
        return;
      }
      if (two === undefined) {
        found.lost(label, 'degenerate outline');
        return;
      }
      {
        found.rings(label, [
          boxRing([Math.min(two[0], two[2]), Math.min(two[1], two[3]), Math.max(two[0], two[2]), Math.max(two[1], two[3])]),
        ]);
        return;
      }
    case 'circle': {
      // Its centre, and a point on it.
      if (two === undefined) {
        found.lost(label, 'degenerate outline');
        return;
      }
      const radius = Math.hypot(two[2] - two[0], two[3] - two[1]);
      found.rings(label, [ellipseRing([two[0], two[1]], radius, radius)]);
      return;
    }
    case 'mask': {
      const text = textOf(shape['mask']);
      if (text === undefined || two === undefined || text.length > 2 * DEFAULT_LIMITS.maxBytes) {
        found.lost(label, 'no outline');
        return;
      }
      const cut = await decodeGrey(Buffer.from(text, 'base64'), 'mask').catch((error: unknown) => {
        if (!isProsamError(error)) throw error;
        return undefined;
      });
      if (cut === undefined) {
        found.lost(label, 'no outline');
        return;
      }
      const [left, top] = [Math.round(two[0]), Math.round(two[1])];
      const mask = emptyMask(width, height);
      for (let y = Math.max(0, -top); y < Math.min(cut.height, height - top); y++)
        for (let x = Math.max(0, -left); x < Math.min(cut.width, width - left); x++)
          if (cut.data[y * cut.width + x] !== 0) mask.data[(top + y) * width + left + x] = 1;
      found.mask(label, await bitmap(mask));
      return;
    }
    default: {
      found.lost(label, 'not an area');
      return;
    }
  }
}
