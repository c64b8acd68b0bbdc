/** Trained on one data set, tested on classes of another that the training has not seen (paper, table 3). */
import { ProsamError } from '../../core/common/errors.ts';
import type { Dataset } from '../types.ts';
import { classesApart, testedOn } from './class-names.ts';
import { contendersOf, testedFolds } from './entries.ts';
import { publishedFor } from './published-studies.ts';
import { scoreMetrics, scorePart, type Scored } from './score-part.ts';
import type { Study } from './study-context.ts';

export const domainShift: Study = async (context) => {
  const { settings } = context;
  const { dataset, testDataset } = settings;
  if (testDataset === undefined)
    throw new ProsamError('OPTION_INVALID', 'testDataset: domain-shift wants data to test on beside those to train on, got none.');
  const targets = settings.folds.map((index) => ({ index, data: testDataOf(dataset, index, testDataset) }));
  const notes = new Set(
    targets.map(({ index, data }) => {
      const removed = testDataset.classes.length - data.classes.length;
      return `Trained on fold ${index} of ${dataset.name}: ${data.classes.length} classes of ${testDataset.name} are tested, ${removed} were trained on and are left out.`;
    }),
  );
  const scored: Scored[] = [];
  const dataOn = (fold: number | 'all'): Dataset => (targets.find(({ index }) => index === fold) as (typeof targets)[number]).data;
  for (const contender of contendersOf(context, settings.variants ?? ['student_t', 'deterministic'])) {
    const folds = await testedFolds(context, contender, { what: `on ${testDataset.name}`, dataOn, notes });
    scored.push({ name: contender.title, folds });
  }
  const foldNames = settings.folds.map(String);
  const scores = scoreMetrics(scored, foldNames);
  const part = scorePart(scored, scores, {
    heading: `From ${dataset.name} to ${testDataset.name}`,
    caption: `Trained on the folds of ${dataset.name}, tested on ${testDataset.name}.`,
    foldNames,
    published: publishedFor(3),
  });
  return {
    parts: [part],
    notes: [...notes],
    figures: { scores, tested: targets.map(({ index, data }) => ({ fold: index, classes: data.classes })) },
  };
};

/** The test data without the classes that training on this fold sees. @throws DATASET_INVALID */
export function testDataOf(dataset: Dataset, index: number | 'all', testDataset: Dataset): Dataset {
  const seen = new Set(dataset.fold(index).base);
  const left = classesApart(
    testDataset.classes,
    dataset.classes.filter(({ id }) => seen.has(id)),
  );
  return testedOn(testDataset, left, String(index));
}
