/** Overlap of masks, and the benchmark's bookkeeping over episodes (as VRP-SAM's public code evaluates). */
import { ProsamError } from '../common/errors.ts';

/** Pixels set in both, and in either. Masks of equal length, non-zero = set; ignored pixels are left out of both. */
export function overlap(a: Uint8Array, b: Uint8Array, ignore?: Uint8Array): { intersection: number; union: number } {
  let intersection = 0;
  let union = 0;
  for (let i = 0; i < a.length; i++) {
    if (ignore?.[i]) continue;
    const inA = a[i] !== 0;
    const inB = b[i] !== 0;
    if (inA && inB) intersection++;
    if (inA || inB) union++;
  }
  return { intersection, union };
}

/** Intersection over union; two empty masks agree perfectly. @throws MASK_SIZE_MISMATCH */
export function iou(a: Uint8Array, b: Uint8Array, ignore?: Uint8Array): number {
  if (a.length !== b.length)
    throw new ProsamError('MASK_SIZE_MISMATCH', `expected two masks of one size, got ${a.length} and ${b.length} pixels.`);
  const { intersection, union } = overlap(a, b, ignore);
  return union === 0 ? 1 : intersection / union;
}

/** Pixel counts of one prediction against its truth. */
export interface Confusion {
  tp: number;
  tn: number;
  fp: number;
  fn: number;
}

export function confusion(prediction: Uint8Array, truth: Uint8Array, ignore?: Uint8Array): Confusion {
  const counts = { tp: 0, tn: 0, fp: 0, fn: 0 };
  for (let i = 0; i < prediction.length; i++) {
    if (ignore?.[i]) continue;
    const predicted = prediction[i] !== 0;
    if (truth[i] !== 0) counts[predicted ? 'tp' : 'fn']++;
    else counts[predicted ? 'fp' : 'tn']++;
  }
  return counts;
}

/** Conventional rates (of the true class) and shares (of all pixels), 0..1; the two are easily mistaken for one another. */
export function confusionRates({
  tp,
  tn,
  fp,
  fn,
}: Confusion): Record<'tpr' | 'tnr' | 'fpr' | 'fnr' | 'tpShare' | 'tnShare' | 'fpShare' | 'fnShare', number> {
  const positives = Math.max(tp + fn, 1);
  const negatives = Math.max(tn + fp, 1);
  const all = Math.max(tp + tn + fp + fn, 1);
  return {
    tpr: tp / positives,
    tnr: tn / negatives,
    fpr: fp / negatives,
    fnr: fn / positives,
    tpShare: tp / all,
    tnShare: tn / all,
    fpShare: fp / all,
    fnShare: fn / all,
  };
}

/**
 * Sums intersections and unions per class over episodes; IoU of a class = summed intersection / summed union, not a mean
 * of per-image IoUs.
 */
export class EpisodeMeter {
  /** [background, foreground][class] */
  readonly intersection: [Float64Array, Float64Array];
  readonly union: [Float64Array, Float64Array];

  constructor(classes: number) {
    this.intersection = [new Float64Array(classes), new Float64Array(classes)];
    this.union = [new Float64Array(classes), new Float64Array(classes)];
  }

  add(classId: number, prediction: Uint8Array, truth: Uint8Array, ignore?: Uint8Array): void {
    const { tp, tn, fp, fn } = confusion(prediction, truth, ignore);
    const bump = (row: Float64Array, by: number): void => {
      row[classId] = (row[classId] as number) + by;
    };
    bump(this.intersection[0], tn);
    bump(this.union[0], tn + fp + fn);
    bump(this.intersection[1], tp);
    bump(this.union[1], tp + fp + fn);
  }

  /** Foreground IoU of one class, 0..1. */
  classIou(classId: number): number {
    return (this.intersection[1][classId] as number) / Math.max(this.union[1][classId] as number, 1);
  }

  /** Mean IoU over the given classes, percent. */
  miou(classes: readonly number[]): number {
    return (100 * classes.reduce((sum, id) => sum + this.classIou(id), 0)) / classes.length;
  }

  /** Mean of background and foreground IoU, each summed over the given classes, percent. */
  fbIou(classes: readonly number[]): number {
    const total = (row: Float64Array): number => classes.reduce((sum, id) => sum + (row[id] as number), 0);
    const share = (i: 0 | 1): number => total(this.intersection[i]) / Math.max(total(this.union[i]), 1);
    return (100 * (share(0) + share(1))) / 2;
  }
}
