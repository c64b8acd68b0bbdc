/** One trained encoder on one fold: its mean prompts, samples of its own distribution, and prompts disturbed by a common noise. */
import { drawNoise } from '../../core/networks/prompt-distribution.ts';
import { randomFor, DEFAULT_SEED } from '../step/seeds.ts';
import { episodeRow } from '../evaluation/episode-row.ts';
import type { EpisodeRow } from '../evaluation/result.ts';
import { disturbed, openPromptProbe, rootMeanSquare, sampledPrompts } from './prompt/probe.ts';
import type { StudyContext } from './study-context.ts';
import { modelStamp } from './study-folder.ts';
import { PAPER_PAIRS } from './test-measure.ts';

/**
 * - mean: the mean prompt
 * - sampled: one prompt set drawn from the encoder's own distribution
 * - disturbed: Gaussian noise of the prompt's own root mean square on the mean prompt
 */
export const CONDITIONS = ['mean', 'sampled', 'disturbed'] as const;
export type Condition = (typeof CONDITIONS)[number];

export interface NoiseCell {
  /** Answers by condition. */
  rows: Record<Condition, EpisodeRow[]>;
  /** Root mean square of the mean prompts, averaged over the pairs. */
  size: number;
  /** Mean sigma over pairs and coordinates; absent for deterministic encoders. */
  sigma?: number;
}

/** model: folder of a trained encoder */
export async function noiseCell(context: StudyContext, name: string, model: string, fold: number | 'all'): Promise<NoiseCell> {
  const { settings, folder } = context;
  const { annotation, labelReduction, pairs = PAPER_PAIRS, dataset } = settings;
  const inputs = { kind: 'noise', data: dataset.name, fold, pairs, annotation, labelReduction, model: await modelStamp(model) };
  const { value, kept } = await folder.cell(name, inputs, () => measure(context, name, model, fold, pairs));
  context.note(`${name}: ${kept ? 'tested before, kept' : `tested on ${value.rows.mean.length} pairs`}`);
  return value;
}

async function measure(context: StudyContext, name: string, model: string, index: number | 'all', pairs: number): Promise<NoiseCell> {
  const fold = context.settings.dataset.fold(index);
  const episodes = fold.testEpisodes(pairs, DEFAULT_SEED);
  const probe = await openPromptProbe(context, model);
  try {
    const rows: NoiseCell['rows'] = { mean: [], sampled: [], disturbed: [] };
    const sizes: number[] = [];
    const sigmas: number[] = [];
    for (const [i, episode] of episodes.entries()) {
      const pair = await probe.pair(episode, i);
      const prompts = await probe.prompts(pair);
      const { data: mu, shape } = prompts.mu;
      const [vectors, width] = shape as [number, number];
      // Normal draws come before all others, so that they are the same for every encoder.
      const noise = drawNoise(probe.distribution, 1, vectors, width, randomFor(DEFAULT_SEED, 'test', i));
      const size = rootMeanSquare(mu);
      const sets = [mu, sampledPrompts(prompts, probe.distribution, noise), disturbed(mu, noise.eps, size)];
      const masks = await probe.masks(pair, sets, prompts.coarse);
      const { truth, ignored } = pair;
      const rowOf = (mask: Uint8Array): EpisodeRow =>
        episodeRow(fold.name, episode, { mask, truth, ignore: ignored }, { milliseconds: {} });
      CONDITIONS.forEach((condition, k) => rows[condition].push(rowOf(masks[k] as Uint8Array)));
      sizes.push(size);
      if (prompts.logSigma) sigmas.push(average([...prompts.logSigma].map(Math.exp)));
      context.progress(`testing ${name}`, i + 1, episodes.length);
    }
    return { rows, size: average(sizes), ...(sigmas.length > 0 && { sigma: average(sigmas) }) };
  } finally {
    await probe.close();
  }
}

/** NaN for nothing. */
export function average(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
