/** Study of reference annotations (paper, table 1): masks, scribbles, boxes, points, with an encoder trained for each kind. */
import type { LabelReduction } from '../../core/mask/label-reduction.ts';
import { ANNOTATION_MODES, type AnnotationMode } from '../types.ts';
import { contendersOf, testedFolds } from './entries.ts';
import { publishedFor } from './published-studies.ts';
import { publishedRows, scoreMetrics, scorePart, type Scored } from './score-part.ts';
import type { Study, StudyContext } from './study-context.ts';
import type { StudyPart } from './study-result.ts';
import type { VariantName } from './variants.ts';

const KINDS = ANNOTATION_MODES.filter((mode) => mode !== 'mixed');
const VARIANTS_COMPARED: readonly VariantName[] = ['student_t', 'deterministic'];

export const annotations: Study = async (context) => {
  const { settings } = context;
  const foldNames = settings.folds.map(String);
  const parts: StudyPart[] = [];
  const figures: unknown[] = [];
  const notes = new Set<string>(
    settings.trained.length > 0 ? ['One encoder serves all four kinds of annotations; the paper trains one for each.'] : [],
  );
  for (const annotation of KINDS) {
    const given = marking(context, annotation);
    const scored: Scored[] = [];
    const told = new Set<string>();
    for (const contender of contendersOf(context, settings.variants ?? VARIANTS_COMPARED, given)) {
      const folds = await testedFolds(context, contender, { what: `tested by ${annotation}`, notes: told, ...given });
      scored.push({ name: contender.title, folds });
    }
    for (const note of told) notes.add(`${annotation}: ${note}`);
    const scores = scoreMetrics(scored, foldNames);
    const reduction = given.labelReduction?.kind ?? "the model's";
    const caption = `References marked by ${annotation}; how annotations become cells: ${reduction}.`;
    parts.push(scorePart(scored, scores, { heading: `Marked by ${annotation}`, caption, foldNames }));
    figures.push({ annotation, scores });
  }
  parts.push({ heading: 'Published', tables: [publishedRows(publishedFor(1))], charts: [] });
  return { parts, notes: [...notes], figures };
};

/**
 * Points and strokes are finer than a cell: what a mask's cells are chosen by would leave most of them out, which is what the
 * public code does to points. Asked for by `labelReduction`, that is measured instead.
 */
function marking({ settings }: StudyContext, annotation: AnnotationMode): { annotation: AnnotationMode; labelReduction?: LabelReduction } {
  const fine = annotation === 'point' || annotation === 'scribble';
  const labelReduction = settings.labelReduction ?? (fine ? ({ kind: 'any' } as const) : undefined);
  return { annotation, ...(labelReduction && { labelReduction }) };
}
