/** Defaults and bounds of the engine, each once: documentation, help texts and schemas take them from here. */
import { LIMITS } from '../common/limits.ts';
import type { LabelReduction } from '../mask/label-reduction.ts';

/** The built-in model for photos. */
export const DEFAULT_MODEL = 'small';
export const DEFAULT_LABEL = 'object';
export const DEFAULT_STRATEGY = 'mean_prompt';
/** Seed of the samples (the public VRP-SAM code's). */
export const DEFAULT_SEED = 321;
/** K for the merging strategies (paper, section 5.1: ten samples). */
export const DEFAULT_MERGE_SAMPLES = 10;
/** K where samples only serve the score and the uncertainty map. */
export const DEFAULT_SAMPLES = 4;
export const MAX_SAMPLES = 100;
/** Point prompts of 'gf-sam' (docs/decisions/024-gf-sam-with-a-budget.md: computed from processor times, not yet timed on a quiet machine). */
export const DEFAULT_MAX_POINTS = 32;
/** The published method's own bound (Zhang et al., 2024). */
export const MAX_POINTS = 128;
/** Points that tell the objects of a label's mask apart, at most (docs/decisions/025-instances-by-sam.md). */
export const MAX_INSTANCE_POINTS = 32;
export const MAX_REFERENCES = LIMITS.callReferences;
/** Least probability that the concept is there, for a mask of `small` to be given (docs/concepts/trust.md). */
export const DEFAULT_THRESHOLD = 0.4;
/** Smallest region of a mask that stays (docs/results.md: specks and holes). */
export const DEFAULT_MIN_AREA = 0;
/** Largest hole that is filled. */
export const DEFAULT_FILL_HOLES: boolean | number = false;
/** Smallest object among the instances, as a share of the image's pixels. */
export const DEFAULT_MIN_INSTANCE_SHARE = 0.0005;
/** Share of a cell's block that must be marked, where labels are reduced by area (what the built-in model was trained with). */
export const DEFAULT_AREA_THRESHOLD = 0.25;
/** Label reduction of models that were not trained with one of their own. */
export const DEFAULT_LABEL_REDUCTION: LabelReduction = { kind: 'area', threshold: DEFAULT_AREA_THRESHOLD };
/** Targets of `predictMany` under way at once: one is read while another is computed. */
export const DEFAULT_CONCURRENCY = 2;
export const MAX_CONCURRENCY = 32;
/** Longest time one network may take, in ms. */
export const DEFAULT_INFERENCE_TIMEOUT_MS = 600_000;
