/** Result of an evaluation. mIoU, FB-IoU and class IoU are percent, as in the paper; every other share is 0..1. */
import type { Confusion } from '../../core/mask/metrics.ts';
import type { LabelReduction } from '../../core/mask/label-reduction.ts';
import type { EngineInfo, Method, StageTimes } from '../../core/engine/types.ts';
import type { AnnotationMode, DatasetClass } from '../types.ts';
import type { Contestant } from './entries.ts';
import type { TrustResult } from './trust.ts';

export const SIZES = ['network', 'own'] as const;
/**
 * 'network': images, annotations and labels on the square the network reads, as in the paper. 'own': at each image's own size. A number:
 * the network reads as for 'network', masks are compared on a square of that many pixels.
 */
export type ComparisonSize = (typeof SIZES)[number] | number;

/** SAM's own prompts that are measured on single objects. */
export const PROMPT_KINDS = ['box', 'points'] as const;
export type PromptKind = (typeof PROMPT_KINDS)[number];

/** One contestant's answer to one pair. */
export interface EpisodeRow {
  fold: string;
  classId: number;
  /** Keys of the two images. */
  reference: string;
  target: string;
  /** Pixels of the target, ignored ones left out. */
  counts: Confusion;
  /** Intersection over union of this pair alone, 0..1; 1 where both are empty. */
  iou: number;
  /** 1 - score of the prediction, 0..1; absent for contestants that give none. */
  uncertainty?: number;
  /** Probability that the target shows the concept, 0..1; absent for contestants that give none. */
  present?: number;
  /** SAM's own estimate of the IoU, 0..1; absent where SAM drew no mask. */
  samIou?: number;
  /** Method 'auto' chose. */
  method?: Method;
  /** The annotation reached no pixel or no cell, so nothing was predicted. */
  unmarked?: true;
  milliseconds: StageTimes;
}

/** A value with its bootstrap interval. */
export interface Estimate {
  value: number;
  /** 95 % interval. */
  low: number;
  high: number;
}

export interface ClassResult extends DatasetClass {
  fold: string;
  /** Percent: summed intersection / summed union. */
  iou: number;
  episodes: number;
}

export interface FoldResult {
  fold: string;
  /** Mean over the fold's classes that occur among its pairs, percent. */
  miou: Estimate;
  /** Mean of background and foreground IoU, percent. */
  fbIou: number;
}

export interface ContestantResult {
  contestant: Contestant;
  /** Models of the entry; one per fold where every fold has its own. */
  engines: readonly Pick<EngineInfo, 'model' | 'device'>[];
  /** Mean over folds, percent. */
  miou: Estimate;
  /** Mean over folds, percent. */
  fbIou: number;
  folds: FoldResult[];
  classes: ClassResult[];
  /** Pixels over all pairs. */
  counts: Confusion;
  /** Rates of the true class: tpr = tp / (tp + fn), and so on. */
  rates: Record<'tpr' | 'tnr' | 'fpr' | 'fnr', number>;
  /** Shares of all pixels; they add up to 1. The paper's table 6 prints such shares and calls them rates. */
  pixelShares: Record<'tp' | 'tn' | 'fp' | 'fn', number>;
  /** Median per stage over the pairs. */
  milliseconds: StageTimes;
  /** Spearman's rank correlation of 1 - uncertainty with the IoU within a fold, mean over folds; absent where there is no uncertainty or no spread. */
  rankCorrelation?: number;
  /** The same for SAM's own estimate of the IoU. */
  samRankCorrelation?: number;
  /** Pairs whose annotation reached no pixel or no cell. */
  unmarked: number;
  episodes: EpisodeRow[];
  /** Trust in score and presence, where asked for, and the rows of targets that do not show the class. */
  trust?: TrustResult;
  absentEpisodes?: EpisodeRow[];
}

/** Answers to one kind of prompt on one object: the largest connected region of a class in a target. */
export interface PromptRow {
  fold: string;
  classId: number;
  target: string;
  model: string;
  prompt: PromptKind;
  /** IoU of each answer, 0..1: one of a box, one after each click. */
  ious: number[];
  /** SAM's own estimates of them. */
  samIous: number[];
}

export interface PromptResult {
  model: string;
  /** The prompts, in words. */
  prompt: string;
  objects: number;
  /** Mean over the objects, percent. */
  iou: Estimate;
  /** Spearman's rank correlation of SAM's own estimate with the IoU within a fold, mean over folds. */
  rankCorrelation?: number;
}

export interface EvaluationSettings {
  /** Pairs of each fold. */
  pairs: number;
  annotation: AnnotationMode;
  size: ComparisonSize;
  labelReduction?: LabelReduction;
  seed: number;
  /** Every reference is also looked for in a target that does not show its class. */
  trust?: boolean;
  /** Images without the class, shown beside every pair as counterexamples. */
  others?: number;
  /** References of every pair, where there are more than one: the further ones are other images of its class among those tested. */
  shots?: number;
  /** Prompts measured on single objects of the targets. */
  prompts?: readonly PromptKind[];
}

export interface Evaluation {
  format: 'prosam-evaluation/1';
  data: { name: string; folds: { name: string; classes: readonly number[]; pairs: number }[] };
  settings: EvaluationSettings;
  contestants: ContestantResult[];
  /** SAM's own prompts on single objects, where asked for. */
  prompts?: { results: PromptResult[]; rows: PromptRow[] };
  /** Notes a reader of the numbers needs. */
  notes: string[];
}
