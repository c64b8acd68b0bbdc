/** References on the command line: each --reference is followed by the marks that belong to it. */
import { readFile } from 'node:fs/promises';
import type { Annotation } from '../core/mask/annotation.ts';
import type { Point } from '../core/mask/raster.ts';
import type { CocoRle } from '../core/mask/rle.ts';
import { messageOf } from '../core/common/errors.ts';
import type { Reference } from '../core/engine/types.ts';
import { number, UsageError } from './usage.ts';

/** Options that describe references; their order on the command line counts. */
export const MARK_OPTIONS = {
  reference: { type: 'string', multiple: true },
  mask: { type: 'string', multiple: true },
  box: { type: 'string', multiple: true },
  points: { type: 'string', multiple: true },
  negative: { type: 'string', multiple: true },
  scribble: { type: 'string', multiple: true },
  polygon: { type: 'string', multiple: true },
  'coco-rle': { type: 'string', multiple: true },
  label: { type: 'string', multiple: true },
} as const;

const MARKS = ['mask', 'box', 'points', 'scribble', 'polygon', 'coco-rle'] as const;
type Mark = (typeof MARKS)[number];

export interface OptionToken {
  kind: string;
  name?: string;
  value?: string | undefined;
}

interface Draft {
  image: string;
  mark?: { kind: Mark; value: string };
  negative?: string;
  label?: string;
}

const LARGEST_RLE_FILE = 64 * 2 ** 20;

/** Files that the references and their marks are read from. */
export function markFiles(tokens: readonly OptionToken[]): string[] {
  const options = ['reference', 'mask', 'scribble', 'coco-rle'];
  return tokens.flatMap(({ name, value }) => (name !== undefined && value !== undefined && options.includes(name) ? [value] : []));
}

/** tokens: from parseArgs, in the order they were written. */
export async function referencesFrom(tokens: readonly OptionToken[]): Promise<Reference[]> {
  const drafts: Draft[] = [];
  for (const { kind, name, value } of tokens) {
    if (kind !== 'option' || name === undefined || value === undefined || !Object.hasOwn(MARK_OPTIONS, name)) continue;
    if (name === 'reference') {
      drafts.push({ image: value });
      continue;
    }
    const draft = drafts.at(-1);
    if (draft === undefined) throw new UsageError(`--${name} marks a reference: write --reference IMAGE before it.`);
    if (name === 'negative') draft.negative = value;
    else if (name === 'label') draft.label = value;
    else if (draft.mark)
      throw new UsageError(`${draft.image} already has --${draft.mark.kind}: one mark a reference. Repeat --reference for another mark.`);
    else draft.mark = { kind: name as Mark, value };
  }
  return Promise.all(drafts.map(referenceFrom));
}

async function referenceFrom({ image, mark, negative, label }: Draft): Promise<Reference> {
  if (mark === undefined)
    throw new UsageError(`${image} is not marked: add one of ${MARKS.map((name) => `--${name}`).join(', ')} after --reference ${image}.`);
  if (negative !== undefined && mark.kind !== 'points') throw new UsageError('--negative goes with --points.');
  return { image, ...(label !== undefined && { label }), ...(await annotationFrom(mark.kind, mark.value, negative)) };
}

async function annotationFrom(kind: Mark, value: string, negative: string | undefined): Promise<Annotation> {
  switch (kind) {
    case 'mask':
      return { mask: value };
    case 'scribble':
      return { scribble: value };
    case 'box': {
      const corners = value.split(',').map((part) => number('box', part));
      if (corners.length !== 4) throw new UsageError(`--box: expected x0,y0,x1,y1, got ${JSON.stringify(value)}.`);
      return { box: corners };
    }
    case 'points':
      return {
        points: pointList('points', value),
        ...(negative !== undefined && { negative: pointList('negative', negative) }),
      };
    case 'polygon':
      return { polygon: pointList('polygon', value) };
    case 'coco-rle':
      return { rle: await cocoRleFile(value) };
  }
}

function pointList(name: string, text: string): Point[] {
  return text.split(';').map((pair): Point => {
    const parts = pair.split(',').map((part) => number(name, part));
    if (parts.length !== 2) throw new UsageError(`--${name}: expected x,y pairs separated by ;, got ${JSON.stringify(text)}.`);
    return parts as [number, number];
  });
}

/** {size, counts}, or a COCO annotation with it as "segmentation". */
async function cocoRleFile(path: string): Promise<CocoRle> {
  let parsed: unknown;
  try {
    const text = await readFile(path, 'utf8');
    if (text.length > LARGEST_RLE_FILE) throw new Error(`the file is larger than ${LARGEST_RLE_FILE} bytes`);
    parsed = JSON.parse(text);
  } catch (error) {
    throw new UsageError(`--coco-rle ${path}: expected a JSON file with size and counts: ${messageOf(error)}.`);
  }
  const rle = ((parsed as { segmentation?: unknown } | null)?.segmentation ?? parsed) as { size?: unknown; counts?: unknown } | null;
  const { size, counts } = rle ?? {};
  const numbers = (value: unknown): value is number[] => Array.isArray(value) && value.every((item) => typeof item === 'number');
  if (!numbers(size) || size.length !== 2 || !(typeof counts === 'string' || numbers(counts))) {
    throw new UsageError(`--coco-rle ${path}: expected {"size": [height, width], "counts": text or numbers}.`);
  }
  return { size: size as [number, number], counts };
}
