/** Selects the reference masks of a label: best and newest first, then farthest-first for diversity. The service and the learner follow it. */
import { LIMITS } from '../../core/common/limits.ts';
import type { MaskRow } from './storage.ts';

/** References of one concept (K), where nothing else is said. */
const REFERENCE_COUNT = 5;
/** Images that numbers were fitted to from which on there are as many references: the engine's ENOUGH_EXAMPLES. */
export const FITTED_REFERENCES = 8;
/** References that the prompt encoder reads of those of a label, where 'auto' has more (docs/decisions/027-quick-learning.md). */
const PROMPT_REFERENCES = 5;
/**
 * References of one concept, where nothing is said: as many as numbers were fitted to, from eight on. examples: those of the label's fit
 * (docs/decisions/033-eight-images-are-believed.md).
 */
export function usualCount(examples = 0): number {
  return examples >= FITTED_REFERENCES ? examples : REFERENCE_COUNT;
}

/** Largest number of candidates that are compared. */
export const MAX_POOL = 200;

/** Candidates compared for diversity, where nothing else is said. count: references of one concept */
export function poolOf(count: number): number {
  return Math.min(MAX_POOL, 4 * count);
}

/** References of each of so many labels that are asked for together: all of them fit into one call of the engine. count: of one label */
export function countEach(count: number, labels: number): number {
  return Math.max(1, Math.min(count, Math.floor(LIMITS.callReferences / Math.max(1, labels))));
}

/** Options of 'auto' where a label has more references than help the prompt encoder. sizes: references of each label */
export function readingOptions(method: string, sizes: readonly number[]): { promptReferences?: number } {
  return method === 'auto' && sizes.some((size) => size > PROMPT_REFERENCES) ? { promptReferences: PROMPT_REFERENCES } : {};
}

/**
 * candidates: best first. The flagged ones where there are any; otherwise the best one and then, one after another, the one
 * that is least like those already chosen (farthest first, cosine of their vectors). Masks without a vector yet come in the
 * order they stand in, after those with one.
 */
export function chooseReferences(candidates: readonly MaskRow[], count: number): MaskRow[] {
  const flagged = candidates.filter((mask) => mask.flagged);
  if (flagged.length > 0) return flagged.slice(0, count);
  const [best, ...rest] = candidates;
  if (best === undefined) return [];
  const chosen = [best];
  /** Largest cosine to anything chosen. */
  const nearest = new Map(rest.filter(({ feature }) => feature !== undefined).map((mask) => [mask, likeness(mask, best)]));
  while (chosen.length < count && nearest.size > 0) {
    const [farthest] = [...nearest].reduce((least, entry) => (entry[1] < least[1] ? entry : least));
    chosen.push(farthest);
    nearest.delete(farthest);
    for (const [mask, like] of nearest) nearest.set(mask, Math.max(like, likeness(mask, farthest)));
  }
  for (const mask of rest) if (chosen.length < count && mask.feature === undefined) chosen.push(mask);
  return chosen;
}

function likeness({ feature: a }: MaskRow, { feature: b }: MaskRow): number {
  if (a === undefined || b === undefined || a.length !== b.length) return 0;
  return a.reduce((sum, value, i) => sum + value * (b[i] as number), 0);
}
