/**
 * From K decoded logit maps to one mask (paper, table 8). Every strategy yields a field whose sign is the mask: positive
 * means foreground. A field, not a mask, because it still has to be resized to the image's own pixels.
 */

export const STRATEGIES = ['mean_prompt', 'max_logits', 'mean_logits', 'max_binary', 'mean_binary', 'majority_vote'] as const;
/** 'mean_prompt' decodes mu once; the others merge decoded samples. */
export type Strategy = (typeof STRATEGIES)[number];
/** Mask prompt beside the prompts: the model's own, or none. */
export const DENSE = ['model', 'none'] as const;
export type Dense = (typeof DENSE)[number];
export type MergeStrategy = Exclude<Strategy, 'mean_prompt'>;

/** Lifts a tie over zero without moving any other share (shares are multiples of 1 / K, K up to some thousands). */
const TIE = 1e-6;

/**
 * maps: K logit maps of equal length. A pixel of one map is foreground where its logit is > 0.
 * Ties of an even K: 'mean_binary' keeps them (share >= 1/2), 'majority_vote' drops them (share > 1/2).
 */
export function mergeLogits(maps: readonly Float32Array[], strategy: MergeStrategy): Float32Array {
  const [first] = maps;
  if (first === undefined) throw new Error('no logits to merge');
  const out = new Float32Array(first.length);
  for (let i = 0; i < out.length; i++) {
    let largest = -Infinity;
    let sum = 0;
    let votes = 0;
    for (const map of maps) {
      const value = map[i] as number;
      if (value > largest) largest = value;
      sum += value;
      if (value > 0) votes++;
    }
    const share = votes / maps.length;
    switch (strategy) {
      case 'max_logits':
        out[i] = largest;
        break;
      case 'mean_logits':
        out[i] = sum / maps.length;
        break;
      case 'max_binary':
        out[i] = votes > 0 ? 0.5 : -0.5;
        break;
      case 'mean_binary':
        out[i] = share - 0.5 + TIE;
        break;
      case 'majority_vote':
        out[i] = share - 0.5;
        break;
    }
  }
  return out;
}
