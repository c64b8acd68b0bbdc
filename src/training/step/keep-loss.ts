/** Distance of a prompt encoder's answers from those it started with: what a short training on few images should leave small. */
import { MASK_PROMPT_LIMIT } from '../../core/networks/coarse-mask.ts';

export interface Answers {
  /** [B, m, c] */
  mu: Float32Array;
  /** Logits [B, 1, h, w], where the encoder has a coarse mask. */
  coarse?: Float32Array;
}

/** A difference of this many logits in every cell counts as much as prompts that are as far off as they are long. */
const COARSE_SCALE = 4;

/**
 * Mean over the pairs of |mu - mu_0|^2 / |mu_0|^2, and of the squared differences of the limited coarse logits over COARSE_SCALE^2;
 * with its gradients. images: B
 */
export function keepLoss(now: Answers, start: Answers, images: number): { loss: number; mu: Float32Array; coarse?: Float32Array } {
  const size = now.mu.length / images;
  const mu = new Float32Array(now.mu.length);
  let loss = 0;
  for (let image = 0; image < images; image++) {
    let [length, distance] = [0, 0];
    for (let i = image * size; i < (image + 1) * size; i++) {
      const [value, before] = [now.mu[i] as number, start.mu[i] as number];
      length += before ** 2;
      distance += (value - before) ** 2;
    }
    const share = 1 / (images * Math.max(length, Number.MIN_VALUE));
    loss += distance * share;
    for (let i = image * size; i < (image + 1) * size; i++) mu[i] = 2 * share * ((now.mu[i] as number) - (start.mu[i] as number));
  }
  const [logits, before] = [now.coarse, start.coarse];
  if (logits === undefined || before === undefined) return { loss, mu };
  const share = 1 / (logits.length * COARSE_SCALE ** 2);
  const coarse = logits.map((value, i) => {
    const difference = limited(value) - limited(before[i] as number);
    loss += share * difference ** 2;
    return Math.abs(value) > MASK_PROMPT_LIMIT ? 0 : 2 * share * difference;
  });
  return { loss, mu, coarse };
}

/** Logit within the limits of the decoder. */
function limited(value: number): number {
  return Math.max(-MASK_PROMPT_LIMIT, Math.min(MASK_PROMPT_LIMIT, value));
}
