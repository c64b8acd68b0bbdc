/**
 * The decision what an annotation becomes, once per kind and use: whether SAM grows it into an object mask, from which prompts,
 * and how the outcome is reduced to feature cells.
 */
import { ANNOTATION_KINDS, type AnnotationKind, type DrawnAnnotation, type ParsedAnnotation } from '../mask/annotation.ts';
import { fittedAnnotation } from '../mask/coordinates.ts';
import { maskFromDrawn } from '../mask/draw-annotation.ts';
import type { BinaryMask, LabelReduction } from '../mask/label-reduction.ts';
import { boundingBox } from '../mask/raster.ts';
import { DEFAULT_LABEL_REDUCTION } from './defaults.ts';
import { boxPrompts, type SamPrompt } from './methods/sam-prompts.ts';

/**
 * - 'predict': a reference that tells what to look for
 * - 'accept': an object mask that is stored, becomes a reference, a training target and truth of the gate
 */
export type AnnotationUse = 'predict' | 'accept';
export const ANNOTATION_USES: readonly AnnotationUse[] = ['predict', 'accept'];

interface Treatment {
  /** SAM turns it into an object mask. */
  grown: boolean;
  /** Cells of the feature grid: by the model's own label reduction, or every cell that is touched. */
  cells: 'model' | 'any';
}

const AS_IT_IS: Treatment = { grown: false, cells: 'model' };
const GROWN: Treatment = { grown: true, cells: 'model' };
/** The model's reduction would lose most of an annotation as thin as this. */
const THIN: Treatment = { grown: false, cells: 'any' };

/**
 * A box as reference is used filled, as the paper does (section 5.1, annotation types); stored as an object it would teach
 * the background inside it, so it is grown.
 */
const TREATMENTS: Readonly<Record<AnnotationKind, Readonly<Record<AnnotationUse, Treatment>>>> = {
  mask: { predict: AS_IT_IS, accept: AS_IT_IS },
  rle: { predict: AS_IT_IS, accept: AS_IT_IS },
  polygon: { predict: AS_IT_IS, accept: AS_IT_IS },
  box: { predict: AS_IT_IS, accept: GROWN },
  points: { predict: GROWN, accept: GROWN },
  scribble: { predict: THIN, accept: GROWN },
};
/** Treatment where the caller says that nothing is to be grown. */
const BARE: Readonly<Record<AnnotationKind, Treatment>> = {
  ...{ mask: AS_IT_IS, rle: AS_IT_IS, polygon: AS_IT_IS, box: AS_IT_IS },
  ...{ points: THIN, scribble: THIN },
};

/** grow: the caller's wish, if there is one. */
export function treatmentOf(kind: AnnotationKind, use: AnnotationUse, grow?: boolean): Treatment {
  if (grow === undefined) return TREATMENTS[kind][use];
  return grow ? GROWN : BARE[kind];
}

/** asked: by the caller. trained: what the prompt encoder in use was trained with. */
export function labelReductionOf(
  { cells }: Pick<Treatment, 'cells'>,
  { asked, trained }: { asked?: LabelReduction | undefined; trained?: LabelReduction | undefined },
): LabelReduction {
  return asked ?? (cells === 'any' ? { kind: 'any' } : (trained ?? DEFAULT_LABEL_REDUCTION));
}

type FileAnnotation = Extract<ParsedAnnotation, { file: unknown }>;
/** Reads the marked pixels of a mask file. -> 0 / 1 */
type ReadMask = (file: FileAnnotation['file'], choice: FileAnnotation['choice']) => Promise<BinaryMask>;

/** The annotation with its pixels at hand. */
export async function drawnAnnotation(annotation: ParsedAnnotation, readMask: ReadMask): Promise<DrawnAnnotation> {
  if (!('file' in annotation)) return annotation;
  return { kind: annotation.kind, mask: await readMask(annotation.file, annotation.choice) };
}

/** Decodes prompts on the image. -> logits at the image's own size, if SAM gave a mask */
type DecodePrompts = (prompts: readonly SamPrompt[]) => Promise<Float32Array | undefined>;

/** decode: for an annotation that is to grow. What was marked stays part of the mask. */
export async function resolveMask(
  annotation: DrawnAnnotation,
  { width, height }: { width: number; height: number },
  decode: DecodePrompts | undefined,
): Promise<BinaryMask> {
  const fitted = fittedAnnotation(annotation, { width, height });
  const marked = maskFromDrawn(fitted, width, height);
  const logits = await decode?.(growPrompts(fitted, marked));
  if (logits === undefined) return marked;
  // A filled box marks far more than the object, so SAM's mask replaces it as long as there is one.
  const keepMarked = annotation.kind !== 'box' || logits.every((value) => value <= 0);
  return { ...marked, data: marked.data.map((value, i) => ((keepMarked && value !== 0) || (logits[i] as number) > 0 ? 1 : 0)) };
}

/** Points that stand for a scribble: more of them say little more, and cost a prompt each. */
const SCRIBBLE_POINTS = 8;

/** Prompts SAM grows an annotation from. */
export function growPrompts(annotation: DrawnAnnotation, marked: BinaryMask): SamPrompt[] {
  const { width, height } = marked;
  if (annotation.kind === 'points') {
    return [
      ...annotation.points.map(([x, y]): SamPrompt => ({ x, y, kind: 'positive' })),
      ...annotation.negative.map(([x, y]): SamPrompt => ({ x, y, kind: 'negative' })),
    ];
  }
  // A stroke runs over the object and not around it: its box would ask for something as thin as itself.
  if (annotation.kind === 'scribble') {
    const places =
      'strokes' in annotation
        ? annotation.strokes.flat()
        : pixelsOf(marked).map((at): readonly [number, number] => [(at % width) + 0.5, Math.floor(at / width) + 0.5]);
    return spread(places, SCRIBBLE_POINTS).map(([x, y]): SamPrompt => {
      return { x: Math.min(x, width - 0.5), y: Math.min(y, height - 0.5), kind: 'positive' };
    });
  }
  return boxPrompts(boundingBox(marked) as [number, number, number, number]);
}

/** Indices of set pixels, row by row. */
function pixelsOf({ data }: BinaryMask): number[] {
  const set: number[] = [];
  for (let at = 0; at < data.length; at++) if (data[at] !== 0) set.push(at);
  return set;
}

/** At most so many of a list, evenly over its length. */
function spread<T>(all: readonly T[], most: number): T[] {
  const count = Math.min(most, all.length);
  return Array.from({ length: count }, (_, i) => all[Math.floor(((i + 0.5) * all.length) / count)] as T);
}

const PROMPTS: Readonly<Record<AnnotationKind, string>> = {
  ...{ mask: 'the box around it', rle: 'the box around it', polygon: 'the box around it', box: 'the box' },
  ...{ points: 'the points', scribble: `up to ${SCRIBBLE_POINTS} points along the strokes` },
};

/** The table as Markdown, for the documentation. */
export function annotationTable(): string {
  const rows = ANNOTATION_KINDS.flatMap((kind) =>
    ANNOTATION_USES.map((use) => {
      const { grown, cells } = TREATMENTS[kind][use];
      const becomes = grown ? `SAM's mask for ${PROMPTS[kind]}${kind === 'box' ? '' : ', and the marked pixels'}` : 'the marked pixels';
      const reduced = use === 'accept' ? '-' : cells === 'any' ? 'every cell it touches' : "the model's label reduction";
      return `| \`${kind}\` | ${use} | ${grown ? 'yes' : 'no'} | ${becomes} | ${reduced} |`;
    }),
  );
  return ['| annotation | use | grown by SAM | mask | feature cells |', '|---|---|---|---|---|', ...rows].join('\n');
}
