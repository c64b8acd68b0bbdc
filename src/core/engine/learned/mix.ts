/** Logistic regression that adds up several maps of one image, pixel by pixel: how much each of them counts for a label. */
import type { Steps } from '../../mask/cooperative.ts';
import { solved } from './ridge.ts';

/** Maps of one image, and what they should add up to. */
export interface MixExample {
  /** Each at the same pixels. */
  maps: readonly Float32Array[];
  /** Share of each pixel that is object, 0..1. */
  truth: Float32Array;
}

/** Logit of a pixel: bias + sum of weight x value. */
export interface Mix {
  bias: number;
  weights: number[];
}

/** Penalty on the squares of the weights of maps that have been scaled to deviation 1. */
const PENALTY = 1e-4;
const MAX_STEPS = 12;
const ENOUGH = 1e-3;
/** Every so many pixels one is looked at; no divisor of a row, so that all columns are. */
const STRIDE = 5;
/** An image with a small object counts more, as its IoU does: by 1 / (this + share of the object). */
const MIN_SHARE = 0.02;
/** Least curvature of a pixel, so that all being certain is no trouble. */
const MIN_CURVATURE = 1e-4;

/** Newton's method. Pauses after some thousand pixels. */
export function* fitMix(examples: readonly MixExample[]): Steps<Mix> {
  const count = examples[0]?.maps.length ?? 0;
  const scales = Array.from({ length: count }, (_, map) => scaleOf(examples.map(({ maps }) => maps[map] as Float32Array)));
  const width = count + 1;
  const importance = examples.map(({ truth }) => 1 / (MIN_SHARE + truth.reduce((sum, share) => sum + share, 0) / truth.length));
  const pixels = (k: number): number => Math.ceil(((examples[k] as MixExample).truth.length - offset(k)) / STRIDE);
  const total = importance.reduce((sum, weight, k) => sum + weight * pixels(k), 0);
  const weights = new Float64Array(width);
  const row = new Float64Array(width);
  row[count] = 1;
  for (let step = 0; step < MAX_STEPS; step++) {
    const curvature = new Float64Array((width * (width + 1)) / 2);
    const slope = new Float64Array(width);
    for (const [k, { maps, truth }] of examples.entries()) {
      const share = (importance[k] as number) / total;
      for (let i = offset(k); i < truth.length; i += STRIDE) {
        let logit = weights[count] as number;
        for (let c = 0; c < count; c++) {
          const { mean, deviation } = scales[c] as Scale;
          row[c] = (((maps[c] as Float32Array)[i] as number) - mean) / deviation;
          logit += (weights[c] as number) * (row[c] as number);
        }
        const p = 1 / (1 + Math.exp(-logit));
        const error = share * ((truth[i] as number) - p);
        const bend = share * Math.max(MIN_CURVATURE, p * (1 - p));
        for (let c = 0, at = 0; c < width; c++) {
          slope[c] = (slope[c] as number) + error * (row[c] as number);
          for (let d = c; d < width; d++, at++) curvature[at] = (curvature[at] as number) + bend * (row[c] as number) * (row[d] as number);
        }
      }
      yield;
    }
    for (let c = 0, at = 0; c < count; at += width - c, c++) {
      curvature[at] = (curvature[at] as number) + PENALTY;
      slope[c] = (slope[c] as number) - PENALTY * (weights[c] as number);
    }
    const change = yield* solved(curvature, slope);
    let largest = 0;
    change.forEach((value, c) => {
      weights[c] = (weights[c] as number) + value;
      largest = Math.max(largest, Math.abs(value));
    });
    if (largest < ENOUGH) break;
  }
  const plain = scales.map(({ deviation }, c) => (weights[c] as number) / deviation);
  const bias = plain.reduce((sum, weight, c) => sum - weight * (scales[c] as Scale).mean, weights[count] as number);
  return { bias, weights: plain };
}

/** The maps added up. */
export function mixed({ bias, weights }: Mix, maps: readonly Float32Array[]): Float32Array {
  const out = new Float32Array((maps[0] as Float32Array).length).fill(bias);
  maps.forEach((map, c) => {
    const weight = weights[c] as number;
    for (let i = 0; i < out.length; i++) out[i] = (out[i] as number) + weight * (map[i] as number);
  });
  return out;
}

/** First pixel of an image: not the same column of all. */
function offset(k: number): number {
  return k % STRIDE;
}

interface Scale {
  mean: number;
  deviation: number;
}

function scaleOf(maps: readonly Float32Array[]): Scale {
  let [sum, squares, count] = [0, 0, 0];
  for (const map of maps) {
    for (const value of map) {
      sum += value;
      squares += value * value;
    }
    count += map.length;
  }
  const mean = sum / count;
  return { mean, deviation: Math.sqrt(Math.max(1e-6, squares / count - mean * mean)) };
}
