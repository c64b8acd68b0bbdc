/** The kind of an annotation file, by the names at the top of its JSON, whatever it is called. */
import { open } from 'node:fs/promises';
import { createJsonScan, JSON_TOKEN } from '../../../core/common/json-scan.ts';

export type JsonKind = 'coco' | 'datumaro' | 'labelme' | 'label-studio' | 'panoptic' | 'createml' | 'via' | 'other';

const CHUNK_BYTES = 2 ** 20;
/** Names in the first elements of a list, which tell what it lists. */
const MAX_NAMES = 200;

interface Names {
  /** Directly below the root object. */
  root: Set<string>;
  /** Below that, or in the elements of a list at the root. */
  below: Set<string>;
  list: boolean;
}

/** Reads until the kind is certain: to the end at most, in pieces. */
export async function jsonKind(file: string): Promise<JsonKind> {
  const names: Names = { root: new Set(), below: new Set(), list: false };
  const handle = await open(file, 'r');
  try {
    const scan = createJsonScan();
    const seen = { depth: 0, begun: false, text: '' };
    let last: Buffer = Buffer.alloc(0);
    for (let position = 0; ;) {
      const { buffer, bytesRead } = await handle.read(Buffer.allocUnsafe(CHUNK_BYTES), 0, CHUNK_BYTES, position);
      if (bytesRead === 0) return kindOf(names) ?? 'other';
      const piece = buffer.subarray(0, bytesRead);
      scan.feed(piece);
      for (let token = scan.next(); token !== undefined; token = scan.next()) {
        const at = scan.at();
        if (!seen.begun) {
          if (token !== JSON_TOKEN.openObject && token !== JSON_TOKEN.openList) return 'other';
          seen.begun = true;
          names.list = token === JSON_TOKEN.openList;
        }
        if (token === JSON_TOKEN.openObject || token === JSON_TOKEN.openList) seen.depth++;
        else if (token === JSON_TOKEN.closeObject || token === JSON_TOKEN.closeList) seen.depth--;
        else if (token === JSON_TOKEN.string && seen.depth <= 3) {
          const [from, to] = [scan.stringStart() - position, at - position];
          // A name that began in the piece before.
          seen.text =
            from >= 0
              ? piece.toString('utf8', from, Math.min(to, from + 100))
              : Buffer.concat([last, piece.subarray(0, Math.max(0, to))]).toString('utf8', Math.max(0, last.length + from));
        } else if (token === JSON_TOKEN.colon) {
          if (seen.depth === 1) names.root.add(seen.text);
          else if (seen.depth <= 3 && names.below.size < MAX_NAMES) names.below.add(seen.text);
        }
      }
      position += bytesRead;
      last = Buffer.from(piece.subarray(-1000));
      const kind = kindOf(names);
      if (kind !== undefined && (kind !== 'coco' || names.below.has('segmentation') || names.below.has('bbox'))) return kind;
    }
  } finally {
    await handle.close();
  }
}

function kindOf({ root, below, list }: Names): JsonKind | undefined {
  const has = (...names: string[]): boolean => names.every((name) => root.has(name));
  if (list) {
    if (below.has('annotations') && below.has('coordinates') && below.has('image')) return 'createml';
    const studio = ['data', 'predictions', 'result', 'annotation_id', 'annotator', 'from_name', 'original_width'];
    return studio.some((name) => below.has(name)) ? 'label-studio' : undefined;
  }
  if (has('images', 'annotations', 'categories')) return below.has('segments_info') ? 'panoptic' : 'coco';
  if (has('categories', 'items')) return 'datumaro';
  if (has('shapes') && (has('imagePath') || has('imageData') || has('imageHeight'))) return 'labelme';
  if (has('_via_img_metadata') || (below.has('regions') && below.has('filename') && !has('images'))) return 'via';
  return undefined;
}
