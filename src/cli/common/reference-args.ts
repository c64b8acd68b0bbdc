/**
 * References on the command line: each --reference is followed by the annotation that belongs to it. Annotations of the engine are
 * built in this file and nowhere else in the command line.
 */
import { readFile } from 'node:fs/promises';
import { messageOf } from '../../core/common/errors.ts';
import { parseAnnotation, type Annotation } from '../../core/mask/annotation.ts';
import { MASK_COLOR, MAX_MASK_VALUE } from '../../core/mask/mask-choice.ts';
import { UNITS, type Units } from '../../core/mask/units.ts';
import type { CocoRle } from '../../core/mask/rle.ts';
import type { Reference } from '../../core/engine/types.ts';
import { UsageError } from './command.ts';
import { boxFrom, pointsFrom, unitsNote } from './coordinates.ts';
import { numberIn, type OptionToken } from './parse.ts';
import { options, under } from './spec.ts';

const ANNOTATIONS = options({
  box: {
    type: 'text',
    repeat: true,
    value: 'x0,y0,x1,y1',
    about: 'box around the object: pixels of the upright image, percent such as 10%,10%,90%,90%, or shares such as 0.1,0.1,0.9,0.9',
  },
  points: { type: 'text', repeat: true, value: 'x,y[;x,y]', about: 'clicks on the object' },
  negative: { type: 'text', repeat: true, value: 'x,y[;x,y]', about: 'with --points: clicks beside the object' },
  mask: { type: 'text', repeat: true, value: 'FILE', about: "image of the reference's size in two values, bright = object" },
  'mask-value': {
    type: 'text',
    repeat: true,
    value: 'V',
    about: 'with --mask: grey value or palette index of the object, in a file with several',
  },
  'mask-color': { type: 'text', repeat: true, value: 'RRGGBB', about: 'with --mask: color of the object, in a file with several' },
  polygon: { type: 'text', repeat: true, value: 'x,y;x,y;..', about: 'outline of the object' },
  scribble: { type: 'text', repeat: true, value: 'FILE', about: 'image with a drawn scribble, bright = marked' },
  rle: { type: 'text', repeat: true, value: 'FILE', about: 'JSON with size and counts, as COCO has them' },
});

const UNITS_OPTION = options({
  units: {
    ...{ type: 'choice', choices: UNITS, value: 'UNITS' },
    about: 'units of all coordinates; up to a pixel outside the image is clipped',
    otherwise: 'pixels; percent with percent signs; fraction for numbers up to 1 with a decimal point',
  },
});

/** Options that describe references; their order on the command line counts. */
export const REFERENCE_OPTIONS = under('References and their annotations (one annotation after each --reference)', {
  ...options({
    reference: { type: 'text', repeat: true, value: 'IMAGE', about: 'image with the annotated object; repeat it for more examples' },
  }),
  ...ANNOTATIONS,
  ...options({
    label: {
      type: 'text',
      repeat: true,
      value: 'NAME',
      about: 'name of the object; references with different labels are different concepts',
    },
  }),
  ...UNITS_OPTION,
});

const BESIDE = ['negative', 'mask-value', 'mask-color'] as const;
type Beside = (typeof BESIDE)[number];
type Kind = Exclude<keyof typeof ANNOTATIONS, Beside>;
const KINDS = (Object.keys(ANNOTATIONS) as (keyof typeof ANNOTATIONS)[]).filter((name): name is Kind => !isBeside(name));
/** Options whose value is a file that the command reads. */
const FILE_OPTIONS = ['reference', 'mask', 'scribble', 'rle'];

interface Draft {
  image: string;
  annotation?: { kind: Kind; value: string };
  beside: Partial<Record<Beside, string>>;
  label?: string;
}

function isBeside(name: string): name is Beside {
  return (BESIDE as readonly string[]).includes(name);
}

const MAX_RLE_BYTES = 64 * 2 ** 20;

/** Files that references and their annotations are read from. */
export function referenceFiles(tokens: readonly OptionToken[]): string[] {
  return tokens.flatMap(({ name, value }) => (value !== undefined && FILE_OPTIONS.includes(name) ? [value] : []));
}

/** References in the order they were written. note: told of coordinates read as shares of the image's sides without --units. @throws UsageError */
export async function referencesFrom(tokens: readonly OptionToken[], note: (text: string) => void): Promise<Reference[]> {
  const units = tokens.findLast(({ name }) => name === 'units')?.value as Units | undefined;
  const drafts: Draft[] = [];
  for (const { name, value } of tokens) {
    if (value === undefined || name === 'units' || !Object.hasOwn(REFERENCE_OPTIONS, name)) continue;
    if (name === 'reference') {
      drafts.push({ image: value, beside: {} });
      continue;
    }
    const draft = drafts.at(-1);
    if (draft === undefined) throw new UsageError(`--${name} belongs to a reference: write --reference IMAGE before it.`);
    if (isBeside(name)) draft.beside[name] = value;
    else if (name === 'label') draft.label = value;
    else if (draft.annotation)
      throw new UsageError(
        `${draft.image} already has --${draft.annotation.kind}: expected one annotation a reference. Repeat --reference for another.`,
      );
    else draft.annotation = { kind: name as Kind, value };
  }
  return Promise.all(drafts.map((draft) => referenceFrom(draft, units, note)));
}

async function referenceFrom(
  { image, annotation, beside, label }: Draft,
  units: Units | undefined,
  note: (text: string) => void,
): Promise<Reference> {
  if (annotation === undefined)
    throw new UsageError(
      `${image} is not annotated: add one of ${KINDS.map((name) => `--${name}`).join(', ')} after --reference ${image}.`,
    );
  if (beside.negative !== undefined && annotation.kind !== 'points') throw new UsageError('--negative goes with --points.');
  for (const name of ['mask-value', 'mask-color'] as const)
    if (beside[name] !== undefined && annotation.kind !== 'mask') throw new UsageError(`--${name} goes with --mask.`);
  const { kind, value } = annotation;
  const read = await annotationFrom(kind, value, beside, units);
  if (units === undefined && read.units === 'fraction') note(unitsNote(kind, value));
  return { image, ...(label !== undefined && { label }), ...read };
}

/** Everything a prediction depends on in a reference from the command line, files by their hash. */
export async function referenceSettings({ image, label, ...annotation }: Reference, hashOf: (file: string) => Promise<string>) {
  const parsed = parseAnnotation(annotation);
  const mark = 'file' in parsed ? { ...parsed, file: await hashOf(parsed.file as string) } : parsed;
  return { image: await hashOf(image as string), mark, label };
}

async function annotationFrom(kind: Kind, value: string, beside: Draft['beside'], declared: Units | undefined): Promise<Annotation> {
  const { negative } = beside;
  switch (kind) {
    case 'mask':
      return maskAnnotation(value, beside);
    case 'scribble':
      return { scribble: value };
    case 'box': {
      const { value: box, ...units } = boxFrom(value, declared);
      return { box, ...units };
    }
    case 'points': {
      const { value: lists, ...units } = pointsFrom({ points: value, ...(negative !== undefined && { negative }) }, declared);
      const { points = [], negative: beside } = lists;
      return { points, ...(beside && { negative: beside }), ...units };
    }
    case 'polygon': {
      const { value: lists, ...units } = pointsFrom({ polygon: value }, declared);
      return { polygon: lists['polygon'] ?? [], ...units };
    }
    case 'rle':
      return { rle: await cocoRleFile(value) };
  }
}

function maskAnnotation(mask: string, { 'mask-value': value, 'mask-color': color }: Draft['beside']): Annotation {
  if (value !== undefined && color !== undefined) throw new UsageError('--mask-value and --mask-color exclude each other: choose one.');
  if (color !== undefined && !MASK_COLOR.test(color))
    throw new UsageError(`--mask-color: expected six hexadecimal digits such as ff0000, got ${JSON.stringify(color)}.`);
  const range = { type: 'whole', min: 0, max: MAX_MASK_VALUE } as const;
  return {
    mask,
    ...(value !== undefined && { maskValue: numberIn('mask-value', value, range) }),
    ...(color !== undefined && { maskColor: color }),
  };
}

/** Reads {size, counts}, or a COCO annotation with it as "segmentation". */
async function cocoRleFile(path: string): Promise<CocoRle> {
  let parsed: unknown;
  try {
    const text = await readFile(path, 'utf8');
    if (text.length > MAX_RLE_BYTES) throw new Error(`the file is larger than ${MAX_RLE_BYTES} bytes`);
    parsed = JSON.parse(text);
  } catch (error) {
    throw new UsageError(`--rle ${path}: expected a JSON file with size and counts: ${messageOf(error)}.`);
  }
  const rle = ((parsed as { segmentation?: unknown } | null)?.segmentation ?? parsed) as { size?: unknown; counts?: unknown } | null;
  const { size, counts } = rle ?? {};
  const numbers = (value: unknown): value is number[] => Array.isArray(value) && value.every((item) => typeof item === 'number');
  if (!numbers(size) || size.length !== 2 || !(typeof counts === 'string' || numbers(counts))) {
    throw new UsageError(`--rle ${path}: expected {"size": [height, width], "counts": text or numbers}.`);
  }
  return { size: size as [number, number], counts };
}
