/** The words of the public interface. Boxes are [x0, y0, x1, y1] in pixels of the upright image, x0 <= x < x1. */
import type { DistributionKind, Noise } from '../networks/prompt-distribution.ts';
import type { SamResize } from '../image/preprocess.ts';
import type { Annotation } from '../mask/annotation.ts';
import type { Region } from '../mask/instances.ts';
import type { BinaryMask, LabelReduction } from '../mask/label-reduction.ts';
import type { ChosenThreads } from '../runtime/node/choose-threads.ts';
import type { Precision } from '../onnx/precision.ts';
import type { Strategy } from './strategy.ts';

/** Pixels already decoded: row-major, channels interleaved, 8 bits each. */
export interface PixelImage {
  data: Uint8Array;
  width: number;
  height: number;
  /** 1 grey, 3 RGB, 4 RGBA (alpha is ignored). */
  channels: 1 | 3 | 4;
}

/** A path or file: URL, the bytes of an image file, or pixels. */
export type ImageInput = string | URL | Uint8Array | PixelImage;

/** One image with the object marked. */
export interface Reference {
  image: ImageInput;
  annotation: Annotation;
  /** What is marked; references with the same label describe one concept. @default 'object' */
  label?: string;
}

export const METHODS = ['prosam', 'persam', 'nearest'] as const;
/**
 * - 'prosam': the trained variational prompt encoder (the paper)
 * - 'persam': no training: feature similarity picks points, SAM draws the mask and refines it twice
 * - 'nearest': no training: cells closer to the object's average feature than to the background's
 */
export type Method = (typeof METHODS)[number];

export interface PredictOptions {
  /** 'auto' checks the methods on the references themselves and takes the best. @default 'auto' */
  method?: Method | 'auto';
  /** One that was loaded with `loadPromptEncoder`. @default the model's own */
  promptEncoder?: string;
  /** How decoded prompts become one mask ('prosam' only). @default 'mean_prompt' */
  strategy?: Strategy;
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
  /** How marks become cells. @default the model's for masks and boxes, 'any' for points and scribbles */
  labelReduction?: LabelReduction;
  /** Let SAM turn a mark into an object mask first. @default true for points, false for all else */
  grow?: boolean;
  /** Return the separate regions of each mask. @default false */
  instances?: boolean;
  /** Smallest region kept, as a share of the image's pixels. @default 0.0005 */
  minInstanceShare?: number;
  /** Return the uncertainty of every pixel. @default false */
  uncertaintyMap?: boolean;
  signal?: AbortSignal;
}

/** Milliseconds spent, by stage; a stage served from a cache costs next to nothing. */
export type StageTimes = Partial<Record<'read' | 'embed' | 'reference' | 'check' | 'prompt' | 'decode' | 'resize' | 'total', number>>;

/** One connected region of a mask. */
export interface InstancePrediction extends Region {
  /** Mean predicted probability of its pixels, 0..1. */
  score: number;
}

export interface MaskPrediction {
  label: string;
  /** The method that made the mask. */
  method: Method;
  /** At the target's own size. */
  mask: BinaryMask;
  /** Pixels in the mask. */
  area: number;
  /** Absent when the mask is empty. */
  boxXyxy?: [x0: number, y0: number, x1: number, y1: number];
  /**
   * Expected IoU of the mask if pixels were independent with their predicted probabilities p (mean over the decoded
   * samples): sum of p inside / (pixels inside + sum of p outside). 0..1; good for ranking, optimistic as a number.
   */
  score: number;
  /** 1 - score. */
  uncertainty: number;
  /** What the check of 'auto' found the method worth on the references: how far to trust it on these images. */
  check?: { basis: SelfCheck['basis']; expectedIou: number };
  /** SAM's own estimate of the mask's IoU, where SAM drew it. */
  predictedIou?: number;
  /** Binary entropy of p per pixel in bits, 0..255 for 0..1, at the target's own size. */
  uncertaintyMap?: Uint8Array;
  instances?: InstancePrediction[];
  /** Low-resolution logits of SAM's square input, to go on from in `refine`. */
  lowRes?: Float32Array;
}

export interface Prediction {
  width: number;
  height: number;
  /** One per label, in the order the labels first appear among the references. */
  masks: MaskPrediction[];
  /** Name and content hash of the model. */
  model: string;
  /** What really executed. */
  device: string;
  /** A cache had the features of the target. */
  cached: boolean;
  milliseconds: StageTimes;
}

export interface RefinePrompts {
  points?: readonly { x: number; y: number; /** @default true */ positive?: boolean }[];
  boxXyxy?: readonly [x0: number, y0: number, x1: number, y1: number];
  /** `lowRes` of an earlier prediction or refinement of this image. */
  previous?: Float32Array | undefined;
}

export interface RefinedMask {
  mask: BinaryMask;
  area: number;
  boxXyxy?: [x0: number, y0: number, x1: number, y1: number];
  predictedIou: number;
  lowRes: Float32Array;
}

export interface Refinement {
  width: number;
  height: number;
  /** Best predicted IoU first; several for a single point (whole, part, subpart), one otherwise. */
  masks: RefinedMask[];
  milliseconds: StageTimes;
}

/** How good each method is on the references themselves. */
export interface SelfCheck {
  /**
   * 'other-references': each reference predicted from all others.
   * 'mirrored-copy': only one reference, predicted on its own mirrored, darkened copy; optimistic, but it tells a method
   * that works on such images from one that does not.
   */
  basis: 'other-references' | 'mirrored-copy';
  /** Mean IoU over the references, 0..1, and each one's. */
  methods: Partial<Record<Method, { iou: number; each: number[] }>>;
  best: Method;
  /** IoU of the best method, 0..1. */
  expectedIou: number;
}

/** What a reference's mark amounts to. */
export interface ReferenceMask {
  /** At the image's own size, after SAM has grown it where that was asked for. */
  mask: BinaryMask;
  /** Pixels in the mask. */
  area: number;
  boxXyxy?: [x0: number, y0: number, x1: number, y1: number];
  /** Cells of the feature grid it covers, of how many. */
  cells: number;
  ofCells: number;
}

/** An image whose features are in the cache. */
export interface Embedded {
  /** Content hash. */
  key: string;
  width: number;
  height: number;
  milliseconds: StageTimes;
}

/** What was found out about one device. */
export interface TriedDevice {
  device: string;
  used: boolean;
  /** Why, or why not, in words. */
  reason: string;
}

export interface EngineInfo {
  model: string;
  licence: string;
  /** What really computes. */
  device: string;
  /** The devices that were looked at, and why the others are not used. */
  devices?: readonly TriedDevice[];
  /** What the image networks compute in. */
  precision: Precision;
  /** Threads of one operator on the CPU (0: left to ONNX Runtime), and who chose them. */
  threads: ChosenThreads;
  methods: Method[];
  promptsPerReference: number;
  /** The square the networks read, and how images are brought to it. An image that already has that size is read as it is. */
  input: { side: number; resize: SamResize };
}

/** The process that computes for an engine, as it stands at the moment of asking. */
export interface EngineWorker {
  /** Its process id; absent while there is none. */
  readonly pid: number | undefined;
  /** Answers calls. While it is started again they wait. */
  readonly ready: boolean;
  /** A network is loaded or runs. */
  readonly computing: boolean;
  /** How often a worker that had died or hung was replaced. */
  readonly replacements: number;
  /** Memory it held at its last answer. */
  readonly residentBytes: number;
  /** What the last worker ended of, or why none can be started; absent while the first one runs. */
  readonly problem: string | undefined;
}

export interface Engine {
  readonly info: EngineInfo;
  /** Absent where the engine computes on the thread it is called on. */
  readonly worker?: EngineWorker;
  /** Computes what does not depend on any reference, so that a later call answers at once. */
  embed(image: ImageInput, options?: { signal?: AbortSignal }): Promise<Embedded>;
  /** Masks of the references' concepts in the target. */
  predict(target: ImageInput, references: readonly Reference[], options?: PredictOptions): Promise<Prediction>;
  /** SAM's own points, box and previous mask on one image, for interactive tools. */
  refine(image: ImageInput, prompts: RefinePrompts, options?: { signal?: AbortSignal }): Promise<Refinement>;
  /** The mask a reference's mark stands for, e.g. to show it before it is used. */
  referenceMask(reference: Reference, options?: PredictOptions): Promise<ReferenceMask>;
  /** Predicts the references from each other; all references must carry one label. */
  selfCheck(references: readonly Reference[], options?: PredictOptions): Promise<SelfCheck>;
  /** Average feature of the marked cells, of length 1: what tells objects that look alike from others. [C] */
  describe(reference: Reference, options?: PredictOptions): Promise<Float32Array>;
  /**
   * Puts another trained prompt encoder beside the model's own: checked, and run once, before this resolves. The same id again
   * changes nothing. file: safetensors, as training writes them.
   * @throws CHECKPOINT_*, PROMPT_ENCODER_MISMATCH
   */
  loadPromptEncoder(id: string, file: Uint8Array): Promise<void>;
  /** Calls that began with it end with it. */
  unloadPromptEncoder(id: string): Promise<void>;
  /** Finishes what is running, refuses what comes after. */
  close(): Promise<void>;
}
