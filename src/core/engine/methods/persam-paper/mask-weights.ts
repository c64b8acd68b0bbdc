/** Weights of SAM's three masks, learned on references (PerSAM-F, Zhang et al., 2023; settings of its public code). */
import type { Steps } from '../../../mask/cooperative.ts';

/** Three masks, and what they should add up to, pixel by pixel. */
export interface MixtureExample {
  /** Logits of whole, part and subpart. */
  logits: readonly [Float32Array, Float32Array, Float32Array];
  /** 0/1, at the logits' size. */
  truth: Uint8Array;
}

export type MaskWeights = readonly [whole: number, part: number, subpart: number];

interface Losses {
  dice: number;
  focal: number;
}

export interface LearnedWeights {
  weights: MaskWeights;
  /** Before the first step and before the last one, over all examples. */
  first: Losses;
  last: Losses;
}

export interface MixtureSettings {
  steps: number;
  /** At the first step; falls to 0 along half a cosine. */
  learningRate: number;
  epsilon: number;
  weightDecay: number;
}

const SETTINGS: MixtureSettings = { steps: 1000, learningRate: 1e-3, epsilon: 1e-4, weightDecay: 0.01 };
const BETAS = [0.9, 0.999] as const;
/** Weights of the focal loss (Lin et al., 2017; its gamma is 2). */
const INSIDE = 0.25;
const OUTSIDE = 0.75;

/** AdamW on the dice and the focal loss, summed over the examples. Pauses after each step. */
export function* learnWeights(examples: readonly MixtureExample[], settings: MixtureSettings = SETTINGS): Steps<LearnedWeights> {
  const { steps, learningRate, epsilon, weightDecay } = settings;
  const spread = examples.map(spreadOf);
  const weights = [1 / 3, 1 / 3];
  const momentum = [0, 0];
  const variance = [0, 0];
  let first: Losses | undefined;
  let last: Losses = { dice: 0, focal: 0 };
  for (let step = 0; step < steps; step++) {
    const gradient = [0, 0];
    last = { dice: 0, focal: 0 };
    for (const example of spread) {
      const { dice, focal, slopes } = lossOf(example, weights as [number, number]);
      last = { dice: last.dice + dice, focal: last.focal + focal };
      slopes.forEach((slope, k) => (gradient[k] = (gradient[k] as number) + slope));
    }
    first ??= last;
    const rate = (learningRate * (1 + Math.cos((Math.PI * step) / steps))) / 2;
    for (let k = 0; k < 2; k++) {
      const slope = gradient[k] as number;
      momentum[k] = BETAS[0] * (momentum[k] as number) + (1 - BETAS[0]) * slope;
      variance[k] = BETAS[1] * (variance[k] as number) + (1 - BETAS[1]) * slope * slope;
      const mean = (momentum[k] as number) / (1 - BETAS[0] ** (step + 1));
      const square = (variance[k] as number) / (1 - BETAS[1] ** (step + 1));
      weights[k] = (weights[k] as number) * (1 - rate * weightDecay) - (rate * mean) / (Math.sqrt(square) + epsilon);
    }
    yield;
  }
  const [part, subpart] = weights as [number, number];
  return { weights: [1 - part - subpart, part, subpart], first: first ?? last, last };
}

/** Logits of the first mask, and what each of the others has more. */
interface Spread {
  base: Float32Array;
  more: readonly [Float32Array, Float32Array];
  truth: Uint8Array;
}

function spreadOf({ logits: [base, part, subpart], truth }: MixtureExample): Spread {
  const beyond = (map: Float32Array): Float32Array => map.map((value, i) => value - (base[i] as number));
  return { base, more: [beyond(part), beyond(subpart)], truth };
}

/** Losses of one example, and their derivatives by both weights. */
function lossOf({ base, more: [part, subpart], truth }: Spread, [a, b]: readonly [number, number]) {
  const pixels = base.length;
  let [hit, drawn, marked, focal] = [0, 0, 0, 0];
  // Derivatives of the sum of p inside, of the sum of p, and of the focal loss, by each weight.
  let [hitA, hitB, drawnA, drawnB, focalA, focalB] = [0, 0, 0, 0, 0, 0];
  for (let i = 0; i < pixels; i++) {
    const [da, db] = [part[i] as number, subpart[i] as number];
    const x = (base[i] as number) + a * da + b * db;
    const small = Math.exp(-Math.abs(x));
    const p = x >= 0 ? 1 / (1 + small) : small / (1 + small);
    const slope = small / (1 + small) ** 2; // p (1 - p)
    const inside = truth[i] !== 0;
    const right = inside ? p : 1 - p;
    const wrong = 1 - right;
    const surprise = Math.log1p(small) + Math.max(0, inside ? -x : x); // -log(right)
    const weight = inside ? INSIDE : OUTSIDE;
    focal += weight * surprise * wrong * wrong;
    const steep = weight * (-2 * wrong * wrong * right * surprise - wrong ** 3) * (inside ? 1 : -1);
    focalA += steep * da;
    focalB += steep * db;
    drawn += p;
    drawnA += slope * da;
    drawnB += slope * db;
    if (!inside) continue;
    marked++;
    hit += p;
    hitA += slope * da;
    hitB += slope * db;
  }
  const size = drawn + marked + 1;
  const share = (2 * hit + 1) / size;
  const slopeOf = (hits: number, all: number, focals: number): number => (share * all - 2 * hits) / size + focals / pixels;
  return { dice: 1 - share, focal: focal / pixels, slopes: [slopeOf(hitA, drawnA, focalA), slopeOf(hitB, drawnB, focalB)] };
}

/** The three masks added up. */
export function mixed([first, second, third]: MixtureExample['logits'], [a, b, c]: MaskWeights): Float32Array {
  const out = new Float32Array(first.length);
  for (let i = 0; i < out.length; i++) out[i] = a * (first[i] as number) + b * (second[i] as number) + c * (third[i] as number);
  return out;
}
