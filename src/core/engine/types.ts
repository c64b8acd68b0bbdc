/** The engine's interface: what it is asked with. Its results are in results.ts. */
import type { LearnedValues } from '../checkpoint/learned-values.ts';
import type { DistributionKind, Noise } from '../networks/prompt-distribution.ts';
import type { ImageInput } from '../image/input.ts';
import type { ImageReading } from '../image/values/reading.ts';
import type { Annotation, PointInput } from '../mask/annotation.ts';
import type { Units } from '../mask/units.ts';
import type { LabelReduction } from '../mask/label-reduction.ts';
import type {
  EngineInfo,
  EngineWorker,
  Method,
  Prediction,
  PreparedImage,
  ReferenceMask,
  Refinement,
  SelfCheck,
  TargetResult,
  TrackedFrame,
} from './results.ts';
import type { Dense, Strategy } from './strategy.ts';
import type { TrackState } from './tracking/state.ts';

export type { ImageInput, PixelImage } from '../image/input.ts';
export { METHODS, MODEL_METHODS, REFERENCE_METHODS } from './results.ts';
export type * from './results.ts';
export type { TrackState } from './tracking/state.ts';
export type { LearnedValues } from '../checkpoint/learned-values.ts';
export type { Evidence } from './trust/evidence-numbers.ts';

/** An image with the object annotated: one of `mask`, `rle`, `polygon`, `box`, `points`, `scribble` beside it. */
export type Reference<Image = ImageInput> = {
  image: Image;
  /** Name of the concept; references with the same label describe one concept. @default 'object' */
  label?: string;
  /** Other labels that the image is known to show, so that it is no counterexample for them. @default those of references in the same image */
  shows?: readonly string[];
} & ImageReading &
  Annotation;

/** `valueRange` and `page` hold for every image file of the call; a reference's own come first. */
export interface PredictOptions extends ImageReading {
  /** 'auto' checks the methods on the references themselves, or with a single one compares their scores in the target, and takes the best. @default 'auto' */
  method?: Method | 'auto';
  /** Numbers that `fit` made, at most one for a label: 'auto' draws with them where they were better on the references. @default none */
  learned?: readonly LearnedValues[];
  /** Id of a prompt encoder loaded with `loadPromptEncoder`. @default the model's own */
  promptEncoder?: string;
  /** References that the prompt encoder reads at most, those whose images are most like the target; other methods use all. @default all */
  promptReferences?: number;
  /** Rule that makes one mask of the decoded prompts ('prosam' only). @default 'mean_prompt' */
  strategy?: Strategy;
  /** 'none' leaves out the coarse mask that a model may send with the prompts, which is the paper's form ('prosam' only). @default 'model' */
  dense?: Dense;
  /** Prompt sets drawn from the predicted distribution (K), for the merging strategies and the uncertainty; 0 to 100. @default 4, or 10 with a merging strategy */
  samples?: number;
  /** Distribution the samples are drawn from. @default the model's */
  distribution?: DistributionKind;
  /** Degrees of freedom. @default the model's */
  nu?: number;
  /** Same seed, same samples. @default 321 */
  seed?: number;
  /** Noise to use instead of drawing it: eps [K, m, c], delta [K, m] with m = references x prompts per reference. */
  noise?: Noise;
  /** Rule that reduces annotations to feature cells. @default the model's, 'any' for scribbles and for points that are not grown */
  labelReduction?: LabelReduction;
  /** Let SAM turn an annotation into an object mask first. @default as `use` has it: true for points, false for all else */
  grow?: boolean;
  /** Point prompts that 'gf-sam' decodes at most, 1 to 128: more find small and scattered objects, and take longer. @default 32 */
  maxPoints?: number;
  /** Least `quality.present` of a mask that is given; below it the mask is empty. 0 gives every mask. @default 0.4 with `small`, 0 with other models */
  threshold?: number;
  /**
   * Images that likely do not show the concepts: what is found there is held against what is found in the target, which makes `present`
   * better. At most 6 are used for a label. References of other labels in the same call, in images without this label, are used first.
   */
  others?: readonly ImageInput[];
  /**
   * Smallest region of a mask that stays, diagonal neighbours connected: pixels, or below 1 a share of the image's pixels. The largest
   * region always stays. @default 0
   */
  minArea?: number;
  /** Largest hole that is filled, in the same units; true fills every hole. @default false */
  fillHoles?: boolean | number;
  /** Only the largest region stays. @default false */
  largestOnly?: boolean;
  /**
   * Return the separate objects of each mask. With `small`, SAM also tells apart those that touch, which takes up to 32 point prompts a label; other
   * models return connected regions. @default false
   */
  instances?: boolean;
  /** Smallest object, as a share of the image's pixels: smaller regions are left out, smaller parts join their neighbour. @default 0.0005 */
  minInstanceShare?: number;
  /** Return the uncertainty of every pixel. @default false */
  uncertaintyMap?: boolean;
  signal?: AbortSignal;
}

export interface PredictManyOptions extends PredictOptions {
  /** Targets under way at once, 1 to 32. @default 2 */
  concurrency?: number;
}

/** SAM's own prompts on one image, in its pixels or what `units` says; at least one of them. Up to a pixel outside is clipped. */
export interface RefinePrompts {
  /** On the object. */
  points?: readonly PointInput[];
  /** Beside the object. */
  negative?: readonly PointInput[];
  /** x0, y0, x1, y1 */
  box?: readonly number[];
  /** Units of points and box. @default 'pixels' */
  units?: Units;
  /** `lowResLogits` of an earlier prediction or refinement of this image. [4g * 4g] */
  maskInput?: Float32Array | undefined;
  /** Only the mask of highest `samIou`, where a single point gives several: the others are not made at image size. @default false */
  best?: boolean;
}

/** `valueRange` and `page` hold for every image file of the call. */
export interface TrackOptions<Ref = Reference> extends ImageReading {
  /** The frame in which the object was found last, marked with the mask that was found: used where the object no longer looks as it did at first. */
  recent?: Ref | undefined;
  /** `state` of the step before. @default a track that begins */
  state?: TrackState | undefined;
  signal?: AbortSignal | undefined;
}

/** References read and checked once, to be looked for in any number of images. */
export interface Concept<Image = ImageInput> {
  /** Labels of the references, in the order they first appear. */
  readonly labels: readonly string[];
  /** @throws as `Engine.predict` */
  predict(target: Image, options?: PredictOptions): Promise<Prediction>;
  /** @throws as `Engine.predictMany` */
  predictMany<Target extends Image>(
    targets: Iterable<Target> | AsyncIterable<Target>,
    options?: PredictManyOptions,
  ): AsyncGenerator<TargetResult<Target>, void, undefined>;
  /** @throws as `Engine.selfCheck` */
  selfCheck(options?: PredictOptions): Promise<SelfCheck>;
  /** @throws as `Engine.fit` */
  fit(options?: PredictOptions): Promise<LearnedValues>;
  /** The object mask of one reference. @throws OPTION_INVALID for an index beyond the references */
  mask(index?: number): Promise<ReferenceMask>;
}

export interface Engine<Image = ImageInput, Ref = Reference<Image>> extends AsyncDisposable {
  readonly info: EngineInfo;
  /** Absent where the engine computes on the thread it is called on. */
  readonly worker?: EngineWorker;
  /** Computes what does not depend on any reference, so that a later call answers at once. @throws IMAGE_*, FILE_NOT_FOUND, ENGINE_* */
  prepare(image: Image, options?: ImageReading & { signal?: AbortSignal }): Promise<PreparedImage>;
  /**
   * Masks of the references' concepts in the target.
   * @throws IMAGE_*, FILE_NOT_FOUND, ANNOTATION_*, MASK_*, REFERENCE_MISSING, OPTION_INVALID, METHOD_UNAVAILABLE, ENGINE_*, the signal's reason
   * @example
   * const { masks } = await engine.predict('target.jpg', [{ image: 'cup.jpg', box: [40, 60, 180, 210] }]);
   */
  predict(target: Image, references: readonly Ref[], options?: PredictOptions): Promise<Prediction>;
  /**
   * The same for many targets: results in the order of the targets, some computed ahead of the one that is read. A target that fails
   * gives an `error` and the loop goes on.
   * @throws what concerns every target: ANNOTATION_*, MASK_*, REFERENCE_MISSING, OPTION_INVALID, METHOD_UNAVAILABLE, ENGINE_CLOSED, the signal's reason
   * @example
   * for await (const { target, prediction, error } of engine.predictMany(files, references)) console.log(target, error ?? prediction.masks);
   */
  predictMany<Target extends Image>(
    targets: Iterable<Target> | AsyncIterable<Target>,
    references: readonly Ref[],
    options?: PredictManyOptions,
  ): AsyncGenerator<TargetResult<Target>, void, undefined>;
  /**
   * Reads and checks references once. options: defaults of the concept's calls.
   * @throws as `predict`, for the references
   * @example
   * const cup = await engine.concept([{ image: 'cup.jpg', points: [[110, 140]] }]);
   * const { masks } = await cup.predict('target.jpg');
   */
  concept(references: readonly Ref[], options?: PredictOptions): Promise<Concept<Image>>;
  /** SAM's own points, box and mask input on one image, for interactive tools. @throws OPTION_INVALID, ANNOTATION_*, IMAGE_*, ENGINE_* */
  refine(image: Image, prompts: RefinePrompts, options?: ImageReading & { signal?: AbortSignal }): Promise<Refinement>;
  /**
   * Finds an object that was marked in one frame in a later one, by its look: made for frames in order, a step each. A drawn box is followed as a box.
   * @throws OPTION_INVALID, ANNOTATION_*, MASK_*, IMAGE_*, FILE_NOT_FOUND, ENGINE_*
   * @example
   * const first = { image: 'frame-0.jpg', box: [40, 60, 180, 210] };
   * let step = await engine.track('frame-1.jpg', first);
   * step = await engine.track('frame-2.jpg', first, { state: step.state });
   */
  track(target: Image, first: Ref, options?: TrackOptions<Ref>): Promise<TrackedFrame>;
  /** The mask a reference's annotation stands for, e.g. to show it before it is used. @throws as `predict` */
  referenceMask(reference: Ref, options?: PredictOptions): Promise<ReferenceMask>;
  /** Predicts the references from each other; all references must carry one label. @throws as `predict` */
  selfCheck(references: readonly Ref[], options?: PredictOptions): Promise<SelfCheck>;
  /**
   * Fits some numbers to references of one label in seconds: a change of the weights that draw the prompt encoder's coarse mask (from three
   * images on), a probe on the features, which map to take or have SAM redraw, or which to add up. From two images on, of which the first 12
   * are used; each is left out in turn, and where the others predict it better by no more than 0.005 IoU on the mean, there are no numbers in
   * the result. Plain data, which can be kept as JSON (120 kB at most).
   * @throws as `predict`; OPTION_INVALID for several labels
   * @example
   * const learned = [await engine.fit(accepted)];
   * const { masks } = await engine.predict('target.jpg', accepted.slice(0, 5), { learned });
   */
  fit(references: readonly Ref[], options?: PredictOptions): Promise<LearnedValues>;
  /** Average feature of the annotated cells, of length 1: what tells objects that look alike from others. [C] @throws as `predict` */
  embedObject(reference: Ref, options?: PredictOptions): Promise<Float32Array>;
  /**
   * Puts another trained prompt encoder beside the model's own: checked, and run once, before this resolves. The same id again
   * changes nothing. file: safetensors, as training writes them.
   * @throws CHECKPOINT_*, PROMPT_ENCODER_MISMATCH
   */
  loadPromptEncoder(id: string, file: Uint8Array): Promise<void>;
  /** Calls that began with it end with it. */
  unloadPromptEncoder(id: string): Promise<void>;
  /**
   * Drops what is kept of images, in memory and in the folder of features; what is computed of them meanwhile may be kept again.
   * hashes: hex sha256 of their files
   */
  forget(hashes: readonly string[]): Promise<void>;
  /** Finishes what is running, refuses what comes after. */
  close(): Promise<void>;
}
