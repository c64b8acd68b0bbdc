/** Ways from a prompt distribution to one mask (paper, table 8): the mean prompt, and five merges of K sampled ones. */
import { STRATEGIES } from '../../core/engine/strategy.ts';
import type { Contestant } from '../evaluation/entries.ts';
import type { EpisodeRow } from '../evaluation/result.ts';
import { contendersOf } from './entries.ts';
import { publishedFor } from './published-studies.ts';
import { scoreMetrics, scorePart, type Scored } from './score-part.ts';
import type { Study } from './study-context.ts';
import type { StudyPart } from './study-result.ts';
import { testCell } from './test-measure.ts';

const TITLES: Record<(typeof STRATEGIES)[number], string> = {
  mean_prompt: 'mean prompt only',
  max_logits: 'max of K logit masks',
  mean_logits: 'mean of K logit masks',
  max_binary: 'max of K binary masks',
  mean_binary: 'mean of K binary masks (ties in)',
  majority_vote: 'majority vote of K binary masks (ties out)',
};

export const strategies: Study = async (context) => {
  const { settings } = context;
  const foldNames = settings.folds.map(String);
  const parts: StudyPart[] = [];
  const figures: unknown[] = [];
  const notes = new Set<string>();
  for (const { title, on } of contendersOf(context, settings.variants ?? ['student_t'])) {
    /** [strategy][fold][seed] */
    const rows: EpisodeRow[][][][] = STRATEGIES.map(() => []);
    for (const fold of settings.folds) {
      const ofFold: EpisodeRow[][][] = STRATEGIES.map(() => []);
      for (const { folder, name } of await on(fold)) {
        const contestants = STRATEGIES.map((strategy): Contestant => {
          const samples = strategy === 'mean_prompt' ? 0 : settings.samples;
          return { kind: 'model', name: TITLES[strategy], model: folder, options: { method: 'prosam', strategy, samples } };
        });
        const cell = await testCell(context, { name: `${name} strategies`, contestants, fold });
        cell.rows.forEach((own, s) => ofFold[s]?.push(own));
        for (const note of cell.notes) notes.add(note);
      }
      ofFold.forEach((own, s) => rows[s]?.push(own));
    }
    const scored = STRATEGIES.map((strategy, s): Scored => ({ name: TITLES[strategy], folds: rows[s] as EpisodeRow[][][] }));
    const scores = scoreMetrics(scored, foldNames);
    const caption = `One model, the same prompts for all; K = ${settings.samples}.`;
    const last = parts.length === 0;
    parts.push(
      scorePart(scored, scores, { heading: `Strategies: ${title}`, caption, foldNames, ...(last && { published: publishedFor(8) }) }),
    );
    figures.push({ model: title, scores });
  }
  return { parts, notes: [...notes], figures };
};
