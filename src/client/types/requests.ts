/** Requests of the client. Coordinates are pixels of the upright image; the service answers REQUEST_INVALID beyond the bounds named here. */
import type { Method, TrackState } from '../../core/engine/types.ts';
import type { Dense, Strategy } from '../../core/engine/strategy.ts';
import type { PathInput, PointInput } from '../../core/mask/annotation.ts';
import type { CocoRle } from '../../core/mask/rle.ts';
import type { DistributionKind } from '../../core/networks/prompt-distribution.ts';
import type { Units } from '../../core/mask/units.ts';
import type { Provenance } from '../../service/ports/provenance.ts';

/** Bytes of an image file; sent as a file, without the third that base64 adds. */
export type ImageBytes = Uint8Array | Blob;

/** Way to read an image file that leaves a choice; the service stores it as it was read. */
export interface ClientReading {
  /** Sample values that become black and white in images of more than 8 bits a sample. @default the configured range, or by the format */
  valueRange?: readonly [black: number, white: number];
  /** Page or frame of files with several, from 1. @default the first, or the largest behind a thumbnail */
  page?: number;
}

/** An image: its bytes, or exactly one of the keys bytes, url, base64, path and sha256. */
export type ClientImage =
  | ImageBytes
  | ({
      /** Bytes of an image file that leaves a choice. */
      bytes: ImageBytes;
    } & ClientReading)
  | ({
      /** http(s) address of at most 8,192 characters that the service may reach, or a data: URI. */
      url: string;
    } & ClientReading)
  | ({
      /** Bytes of the image file in base64. */
      base64: string;
    } & ClientReading)
  | ({
      /** Path below the image folder of the service. */
      path: string;
    } & ClientReading)
  | {
      /** Lowercase hexadecimal hash of an image the project has seen. */
      sha256: string;
    };

/** An annotation beside its image or label: exactly one of `mask`, `rle`, `polygon`, `box`, `points`, `scribble`. */
export interface ClientAnnotation {
  /** Image file of the image's size; of its two values the one that is not black is the object's. As base64 at most 6 MiB of it. */
  mask?:
    | ImageBytes
    | {
        /** Bytes of the file in base64. */
        base64: string;
      };
  /** Value that is the object's in a mask file with several: a grey value, or the index of an indexed PNG; 0 to 65535. */
  maskValue?: number;
  /** Color that is the object's in a mask file with several: six hexadecimal digits. */
  maskColor?: string;
  /** COCO's run-length encoding, at the image's size; counts as text of at most 8 MiB, or at most 100,000 runs. */
  rle?: CocoRle;
  /** One closed ring of at least three corners, or several; a ring inside another is a hole. At most 20,000 corners together. */
  polygon?: PathInput | readonly PathInput[];
  /** x0, y0, x1, y1 with x0 < x1 and y0 < y1. */
  box?: readonly number[];
  /** Points on the object, 1 to 1,000. */
  points?: readonly PointInput[];
  /** Points beside the object, with `points`; at most 1,000. */
  negative?: readonly PointInput[];
  /** One stroke over the object, or several; at most 10,000 points together. */
  scribble?: PathInput | readonly PathInput[];
  /** Brush width of a scribble in pixels, more than 0 to 100,000. @default one hundredth of the image's longer side, at least 1 */
  width?: number;
  /** Units of the coordinates; up to a pixel outside the image is clipped. @default 'pixels' */
  units?: Units;
}

/** Options of a prediction; `valueRange` and `page` hold for the images sent with it that say nothing else. */
export interface PredictionOptions extends ClientReading {
  /** 'auto' checks the methods on the references themselves, or with a single one compares their scores in the target, and takes the best. @default 'auto' */
  method?: Method | 'auto';
  /** Rule that makes one mask of the decoded prompts ('prosam' only). @default 'mean_prompt' */
  strategy?: Strategy;
  /** 'none' leaves out the coarse mask that a model may send with the prompts ('prosam' only). @default 'model' */
  dense?: Dense;
  /** Points that 'gf-sam' has SAM draw masks for, 1 to 128. @default 32 */
  maxPoints?: number;
  /** Prompt sets drawn from the predicted distribution, 0 to 100. @default 4, or 10 with a merging strategy */
  samples?: number;
  /** Distribution the samples are drawn from. @default the model's */
  distribution?: DistributionKind;
  /** Degrees of freedom of the distribution, more than 0 to 1,000,000. @default the model's */
  nu?: number;
  /** Whole number; the same seed draws the same samples. @default 321 */
  seed?: number;
  /** Let SAM turn annotations into object masks first. @default true for points, false for all else */
  grow?: boolean;
  /** Least `quality.present` of a mask that is given, 0 to 1; below it the mask is empty, 0 gives every mask. @default 0.4 with `small`, 0 with other models */
  threshold?: number;
  /**
   * Smallest region of a mask that stays, diagonal neighbours connected: pixels, or below 1 a share of the image's pixels. The largest
   * region always stays. @default 0
   */
  minArea?: number;
  /** Largest hole that is filled, in the same units; true fills every hole. @default false */
  fillHoles?: boolean | number;
  /** Only the largest region stays. @default false */
  largestOnly?: boolean;
  /** Return the separate regions of each mask. @default false */
  instances?: boolean;
  /** Smallest region kept, as a share of the image's pixels, 0 to 1. @default 0.0005 */
  minInstanceShare?: number;
  /** Return the uncertainty of every pixel as a PNG. @default false */
  uncertaintyMap?: boolean;
}

/** Request for the masks of labels in one image. */
export interface PredictRequest {
  /** Name of 1 to 200 letters, digits or any of . _ : @ / -, beginning with a letter or digit. */
  project: string;
  /** Image to look in. */
  image: ClientImage;
  /** Labels to look for, 1 to 100 of at most 200 characters. @default every label the project has references of */
  labels?: readonly string[];
  /** Used instead of the project's own, 1 to 50. */
  references?: readonly ({
    /** Image with the object annotated. */
    image: ClientImage;
    /** Name of the concept; references with the same label describe one concept. @default 'object' */
    label?: string;
  } & ClientAnnotation)[];
  /** Method and its parameters. */
  options?: PredictionOptions;
  /** Trained prompt encoder to use: the id of a version, or 'base', the model's own. @default the live one */
  encoderVersion?: string;
  /** Form of the masks in the response. @default 'rle' */
  format?: 'rle' | 'polygon' | 'png';
  /** Pixels that outlines of the format 'polygon' may deviate, 0 to 100; less where a region would change too much. @default 1 */
  tolerance?: number;
  /** Holes of the format 'polygon': rings of their own, or slits in the exterior for formats that know none. @default 'rings' */
  holes?: 'rings' | 'slits';
  /** The tool's own name of the image, at most 2,000 characters. */
  externalId?: string;
  /** Keep image and prediction, so that the image can be ranked and shown. @default true */
  remember?: boolean;
}

/** Request for the masks of labels in many images, computed in the background. */
export interface JobRequest extends Omit<PredictRequest, 'image' | 'references' | 'externalId' | 'remember'> {
  /** Images to look in, 1 to 10,000; at most 100 of them with their bytes. */
  images: readonly ClientImage[];
  /** Address that is told of results, where the service has a secret to sign with. */
  callback?: {
    /** http(s) address of at most 2,048 characters. */
    url: string;
    /** 'finished': once, with the first results; 'each': also for every image. @default 'finished' */
    events?: 'finished' | 'each';
  };
}

/** Request for masks from clicks, a box or both on one image. */
export interface RefineRequest extends Pick<PredictRequest, 'project' | 'image' | 'format' | 'tolerance' | 'holes'> {
  /** Points on the object, at most 100. */
  points?: readonly PointInput[];
  /** Points beside the object, at most 100. */
  negative?: readonly PointInput[];
  /** Box around the object: x0, y0, x1, y1. */
  box?: readonly number[];
  /** Units of points and box; up to a pixel outside the image is clipped. @default 'pixels' */
  units?: Units;
  /** `lowResLogits` of an earlier response for this image, base64. */
  maskInput?: string;
  /** Return `lowResLogits` of each mask, the `maskInput` of the next call. @default false */
  lowResLogits?: boolean;
}

/** Request for an object in a frame, that was marked in an earlier one. */
export interface TrackRequest extends Pick<PredictRequest, 'project' | 'image' | 'format' | 'tolerance' | 'holes'> {
  /** The frame in which the object was marked. */
  first: {
    /** The image itself, or its name. */
    image: ClientImage;
  } & ClientAnnotation;
  /** The frame in which it was found last, with the mask that was found: for objects that change their form. */
  recent?: {
    /** The image itself, or its name. */
    image: ClientImage;
  } & ClientAnnotation;
  /** `state` of the response before. @default a track that begins */
  state?: TrackState;
}

/** Key of an annotation; its three names together take at most 2,500 bytes of UTF-8. */
export interface AnnotationRef {
  /** Project that holds it. */
  project: string;
  /** Tool or installation it comes from, at most 200 characters. @default 'webhook' */
  source?: string;
  /** The tool's own name of the annotation, at most 500 characters. */
  externalId: string;
}

/** An annotation to store. */
export interface AnnotationRequest extends AnnotationRef {
  /** Whole number from 0; newer ones replace older ones. */
  revision: number;
  /** Annotated image. */
  image: ClientImage;
  /** The tool's own name of the image, at most 2,000 characters. */
  imageExternalId?: string;
  /**
   * Origin of the masks; without masks 'absent' (the image does not show the labels), 'rejected' (a prediction was thrown away) or
   * 'skipped'.
   */
  provenance: Provenance;
  /** One annotation or several a label, joined; at most 1,000. None with 'absent', 'rejected' and 'skipped'. @default [] */
  masks?: readonly ({
    /** Name of the concept, at most 200 characters. */
    label: string;
  } & ClientAnnotation)[];
  /**
   * Labels the image does not show, 1 to 1,000, beside the masks or with the provenance 'absent' alone.
   * @default every label the project has masks of with 'absent', none otherwise
   */
  absent?: readonly string[];
  /** Use as a reference before all others. @default false */
  flagged?: boolean;
  /** Name of the person, at most 500 characters. */
  annotator?: string;
  /** `version` of the prediction it goes back to. */
  predictionVersion?: string;
}
