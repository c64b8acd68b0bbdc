/** Port of numbers fitted to labels, and what they gained in words. */
import type { LearnedValues } from '../../core/checkpoint/learned-values.ts';

/** Numbers fitted to the accepted masks of one label, or the word that they do not pay. One of each label counts: the newest. */
export interface FitRecord {
  project: string;
  label: string;
  /** Name and content hash of the model. */
  baseModel: string;
  /** Fingerprint of the masks, the model and the prompt encoder. */
  data: string;
  /** Values as the engine takes them; without `numbers` where left-out images were predicted no better. */
  values: LearnedValues;
  fittedMs: number;
}

export interface FitStore {
  get(project: string, label: string): Promise<FitRecord | undefined>;
  /** Newest first. limit 1 to 1,000. */
  list(project: string, limit: number): Promise<FitRecord[]>;
  /**
   * Takes the place of the label's last one in one transaction. learnedFrom: ids of the masks (`MaskRow`) it rests on: it is taken back in the
   * transaction that removes one of them, and is not replaced by a newer one of its annotation and label. false: one was removed meanwhile,
   * nothing was written.
   */
  put(fit: FitRecord, learnedFrom: readonly number[]): Promise<boolean>;
}

/** Figures of numbers fitted to a label. */
export interface FitFigures {
  /** Images with an accepted mask that they were fitted to. */
  images: number;
  /** Mean IoU of those images, each left out and predicted from the others, without such numbers and with them, 0 to 1; both 0 where none could be. */
  plain: number;
  learned: number;
  /** Whether predictions use them: left-out images were predicted better. */
  used: boolean;
}

export function fitFigures({ examples, held, numbers }: LearnedValues): FitFigures {
  const mean = (name: 'plain' | 'learned'): number => held.reduce((sum, one) => sum + one[name], 0) / Math.max(1, held.length);
  return { images: examples, plain: mean('plain'), learned: mean('learned'), used: numbers !== undefined };
}

/** "fitted on 5 masks: left-out images 0.61 -> 0.66" */
export function fitText({ images, plain, learned, used }: FitFigures): string {
  return `fitted on ${images} masks${used ? '' : ', not used'}: left-out images ${plain.toFixed(2)} -> ${learned.toFixed(2)}`;
}
