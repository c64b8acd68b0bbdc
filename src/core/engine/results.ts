/** Results of the engine's calls. Boxes are [x0, y0, x1, y1] in pixels of the upright image, x0 <= x < x1. */
import type { Notice } from '../common/notice.ts';
import type { Evidence } from './trust/evidence-numbers.ts';
import type { SamResize } from '../image/preprocess.ts';
import type { BinaryMask } from '../mask/label-reduction.ts';
import type { Precision } from '../onnx/precision.ts';
import type { ProsamError } from '../common/errors.ts';
import type { TrackState } from './tracking/state.ts';

export const METHODS = [
  'prosam',
  'coarse',
  'persam',
  'nearest',
  'refined',
  'pseudo',
  'gf-sam',
  'persam-paper',
  'persam-f',
  'matcher',
  'external',
  'learned',
] as const;
/**
 * - 'prosam': the trained variational prompt encoder (the paper)
 * - 'coarse': the trained encoder's coarse mask alone, for models that have one, redrawn by SAM
 * - 'persam': no training: feature similarity picks points, SAM draws the mask and refines it twice
 * - 'nearest': no training: cells whose features are closer to the object's than to the background's
 * - 'refined': no training: the mask of 'nearest', redrawn by SAM
 * - 'pseudo': no training: closeness to the object's features, whatever the background is, redrawn by SAM
 * - 'gf-sam': no training: SAM draws a mask for each of many similar points; those that hang together and fit the object are joined (GF-SAM)
 * - 'persam-paper': no training: PerSAM as published, with its two hooks in SAM's decoder
 * - 'persam-f': no training of networks: PerSAM-F as published, which learns the weights of SAM's three masks on the references
 * - 'matcher': no training: Matcher on a small budget, a baseline: cells that match both ways prompt SAM, the closest of its masks are merged
 * - 'external': a system outside, where the engine was opened with one; 'auto' never tries it
 * - 'learned': several of the above added up by numbers fitted to accepted masks (`Engine.fit`); drawn by 'auto' where `learned` has such numbers
 */
export type Method = (typeof METHODS)[number];

/** Methods that draw from references alone, without numbers fitted to them. */
export const REFERENCE_METHODS = METHODS.filter((method): method is Exclude<Method, 'learned'> => method !== 'learned');

/** Those that compute with the model's own networks. */
export const MODEL_METHODS = REFERENCE_METHODS.filter((method): method is Exclude<Method, 'external' | 'learned'> => method !== 'external');

/** Milliseconds spent, by stage; a stage served from a cache costs next to nothing. */
export type StageTimes = Partial<
  Record<'read' | 'embed' | 'reference' | 'check' | 'prompt' | 'align' | 'decode' | 'resize' | 'instances' | 'total', number>
>;

/** One object of a mask. */
export interface InstancePrediction {
  /** Tight box in the image's pixels: x0 <= x < x1. */
  boxXyxy: [x0: number, y0: number, x1: number, y1: number];
  /** Pixels in the object. */
  area: number;
  /** The object alone, cut to its box; no two of a mask share a pixel. */
  mask: BinaryMask;
  /** Mean predicted probability of its pixels, 0..1. */
  score: number;
}

/** Quality of a mask, as far as it can be told. */
export interface MaskQuality {
  /**
   * Expected IoU of the mask where the image shows the concept, 0..1: fitted to `evidence` on public photos and measured on others
   * (docs/concepts/trust.md).
   */
  score: number;
  /** Probability that the image shows the concept at all, 0..1; fitted likewise. Below `threshold` the mask is empty. */
  present: number;
  /** True where a mask was drawn and left out, because `present` is below the threshold. */
  withheld?: true;
  /** SAM's own estimate of the mask's IoU, where SAM drew it. */
  samIou?: number;
  /** IoU of the method on the references themselves, 0..1, where 'auto' chose it: how far to trust it on these images. */
  referenceIou?: number;
  /** Source of `referenceIou`: see `SelfCheck.basis`. */
  referenceIouFrom?: SelfCheck['basis'];
  /** Expected IoU of each method's mask, where 'auto' drew several and kept the best. */
  compared?: Partial<Record<Method, number>>;
  /** Point prompts that 'gf-sam' wanted and `maxPoints` left out, where there are any. */
  pointsLeftOut?: number;
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
  quality: MaskQuality;
  /** Numbers that `score` and `present` are made of; absent where a service answered. */
  evidence?: Evidence;
  /** Binary entropy of p per pixel in bits, 0..255 for 0..1, at the target's own size. */
  uncertaintyMap?: Uint8Array;
  instances?: InstancePrediction[];
  /** SAM's low-resolution logits, `maskInput` of a refinement. [4g * 4g], g = side of SAM's feature grid */
  lowResLogits?: Float32Array;
}

export interface Prediction {
  width: number;
  height: number;
  /** One per label, in the order the labels first appear among the references. */
  masks: MaskPrediction[];
  /** Name and content hash of the model. */
  model: string;
  /** The device that executed. */
  device: string;
  /** A cache had the features of the target. */
  cached: boolean;
  /** Facts about the images and annotations that the caller should know; absent where there are none. */
  notices?: Notice[];
  milliseconds: StageTimes;
}

/** One target of `predictMany`: its prediction, or why there is none. */
export type TargetResult<Target> = { index: number; target: Target } & (
  { prediction: Prediction; error?: undefined } | { prediction?: undefined; error: ProsamError }
);

export interface RefinedMask {
  mask: BinaryMask;
  area: number;
  boxXyxy?: [x0: number, y0: number, x1: number, y1: number];
  /** SAM's own estimate of the mask's IoU. */
  samIou: number;
  /** SAM 2 only: probability that the prompts are on an object at all, 0..1. */
  objectScore?: number;
  /** `maskInput` of the next refinement. [4g * 4g] */
  lowResLogits: Float32Array;
}

export interface Refinement {
  width: number;
  height: number;
  /** Best `samIou` first; several for a single point (whole, part, subpart), one otherwise. */
  masks: RefinedMask[];
  /** Facts about the image and the prompts that the caller should know; absent where there are none. */
  notices?: Notice[];
  milliseconds: StageTimes;
}

/** One frame of a track. */
export interface TrackedFrame {
  width: number;
  height: number;
  /** False where the object is gone, hidden or no longer to be told: then there is no mask, and nothing is guessed. */
  found: boolean;
  /** Trust in the place, 0..1; the object counts as found from 0.74 on. */
  trust: number;
  /** The part of the object that shows, at the frame's own size. */
  mask?: BinaryMask;
  /** Pixels in the mask. */
  area?: number;
  /** The object's box, hidden parts included; where a box was drawn, that box moved along with the object. */
  boxXyxy?: [x0: number, y0: number, x1: number, y1: number];
  /** `state` of the next step. */
  state: TrackState;
  milliseconds: StageTimes;
}

/** Accuracy of each method on the references themselves. */
export interface SelfCheck {
  /**
   * - 'leave-one-out': each reference predicted from all others
   * - 'mirrored-copy': only one reference, predicted on its own mirrored, darkened copy; optimistic, but it tells a method
   *   that works on such images from one that does not
   */
  basis: 'leave-one-out' | 'mirrored-copy';
  /** Mean IoU over the references, 0..1, and each one's. */
  methods: Partial<Record<Method, { iou: number; each: number[] }>>;
  /** With a single reference, 'auto' may decide by each image's scores instead. */
  best: Method;
  /** IoU of the best method, 0..1. */
  referenceIou: number;
}

/** The object mask of a reference's annotation. */
export interface ReferenceMask {
  /** At the image's own size, after SAM has grown it where the annotation is grown. */
  mask: BinaryMask;
  /** Pixels in the mask. */
  area: number;
  boxXyxy?: [x0: number, y0: number, x1: number, y1: number];
  /** Cells of the feature grid it covers, of how many. */
  cells: number;
  ofCells: number;
  /** Facts about the image and the annotation that the caller should know; absent where there are none. */
  notices?: Notice[];
}

/** An image whose features are in the cache. */
export interface PreparedImage {
  /** Content hash. */
  key: string;
  width: number;
  height: number;
  /** Facts about the image that the caller should know; absent where there are none. */
  notices?: Notice[];
  milliseconds: StageTimes;
}

/** Findings about one device. */
export interface TriedDevice {
  device: string;
  used: boolean;
  /** Reason for using it or not, in words. */
  reason: string;
}

export interface EngineInfo {
  /** Name and content hash of the model. */
  model: string;
  /** License of the model's weights. */
  license: string;
  /** The device that computes. */
  device: string;
  /** The devices that were looked at, and why the others are not used. */
  devices?: readonly TriedDevice[];
  /** Number format of the image networks. */
  precision: Precision;
  /** Threads of one operator on the CPU (0: left to ONNX Runtime, which takes one for each core), and who chose them. */
  threads: { count: number; by: 'caller' | 'measurement' | 'default' };
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
  /** Times a worker that had died or hung was replaced. */
  readonly replacements: number;
  /** Memory it held at its last answer. */
  readonly residentBytes: number;
  /** End of the last worker, or why none can be started; absent while the first one runs. */
  readonly problem: string | undefined;
}
