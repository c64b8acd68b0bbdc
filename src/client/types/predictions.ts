/** Responses with masks: predictions, refinements, jobs and callbacks. Coordinates are pixels of the upright image, times milliseconds since 1970. */
import type { MaskQuality, Method, TrackState } from '../../core/engine/types.ts';
import type { PolygonWithHoles } from '../../core/mask/polygon-groups.ts';
import type { CompressedRle } from '../../core/mask/rle.ts';

/** An image as the service knows it. */
export interface ImageFacts {
  /** Lowercase hexadecimal hash of its bytes. */
  sha256: string;
  /** Pixels of the upright image. */
  width: number;
  /** Pixels of the upright image. */
  height: number;
}

/** A mask in the requested `format`: one of the three. */
export interface WrittenMask {
  /** Format 'rle'. */
  rle?: CompressedRle;
  /** Format 'polygon': one region each. */
  polygons?: PolygonWithHoles[];
  /** Format 'png': image file in base64, 255 = object. */
  png?: string;
}

/** One object of a mask. Run lengths and image files are cut to its box, outlines are in the image's pixels. */
export interface InstanceResponse extends WrittenMask {
  /** Smallest box around the object. */
  boxXyxy: [x0: number, y0: number, x1: number, y1: number];
  /** Pixels in the object. */
  area: number;
  /** Mean predicted probability of its pixels, 0 to 1. */
  score: number;
}

/** Mask of one label. */
export interface MaskResponse extends WrittenMask {
  /** Name of the concept. */
  label: string;
  /** Method that made the mask. */
  method: Method;
  /** Pixels in the mask. */
  area: number;
  /** Smallest box around the mask, x0 <= x < x1; absent when the mask is empty. */
  boxXyxy?: [x0: number, y0: number, x1: number, y1: number];
  /** Expected IoU, and how far to trust it. */
  quality: MaskQuality;
  /** Separate objects, where `options.instances` asked for them. */
  instances?: InstanceResponse[];
  /** PNG in base64 where `options.uncertaintyMap` asked for it: 0 sure, 255 not. */
  uncertaintyPng?: string;
}

/** Masks of labels in one image. */
export interface PredictResponse {
  /** Project whose references were used. */
  project: string;
  /** Image that was looked in. */
  image: ImageFacts;
  /** One mask for each label that has references, in the order asked for. */
  masks: MaskResponse[];
  /** Labels asked for that have no reference yet. */
  missing: string[];
  /** Labels of the project beyond those of one request: name them in another one. */
  omitted?: string[];
  /** Sentences for people about what is not as it should be, although there is a prediction. */
  notices?: string[];
  /** Base model, prompt encoder and references in one string: changes whenever one of them does. */
  version: string;
  /** Trained prompt encoder that answered: the id of a version, or 'base', the model's own. */
  encoderVersion: string;
  /** Name and content hash of the frozen model, such as 'tiny@9a897d329434'. */
  baseModel: string;
  /** Device that computed. */
  device: string;
  /** Milliseconds spent, by stage. */
  milliseconds: Record<string, number>;
}

/** An object found in a frame, or that it was not. */
export interface TrackResponse extends WrittenMask {
  /** Pixels of the upright image. */
  width: number;
  /** Pixels of the upright image. */
  height: number;
  /** Facts about images and annotations that the caller should know; absent where there are none. */
  notices?: string[];
  /** False where the object is gone, hidden or no longer to be told: then there is no mask. */
  found: boolean;
  /** Trust in the place, 0..1. */
  trust: number;
  /** Pixels in the mask. */
  area?: number;
  /** Box of the object, hidden parts included; of a drawn box, the box moved along with the object. */
  boxXyxy?: [x0: number, y0: number, x1: number, y1: number];
  /** For the next step. */
  state: TrackState;
}

/** Masks from clicks and a box, best `samIou` first. */
export interface RefineResponse {
  /** Pixels of the upright image. */
  width: number;
  /** Pixels of the upright image. */
  height: number;
  /** Facts about images and annotations that the caller should know; absent where there are none. */
  notices?: string[];
  /** Several for a single point (whole, part, subpart), one otherwise. */
  masks: ({
    /** Pixels in the mask. */
    area: number;
    /** Smallest box around the mask; absent when the mask is empty. */
    boxXyxy?: [x0: number, y0: number, x1: number, y1: number];
    /** SAM's own estimate of the mask's IoU. */
    samIou: number;
    /** SAM 2 only: probability that the prompts are on an object at all, 0..1. */
    objectScore?: number;
    /** `maskInput` of the next request, base64; where the request asked for it. */
    lowResLogits?: string;
  } & WrittenMask)[];
}

/** One image of a job. */
export interface JobItem {
  /** Place in the request's `images`, from 0. */
  index: number;
  /** State of this image. */
  state: 'waiting' | 'done' | 'failed';
  /** The image as the request named it; sent bytes are named by their sha256. */
  image: unknown;
  /** Prediction, once done. */
  result?: PredictResponse;
  /** Reason, once failed. */
  error?: {
    /** One of the service's error codes. */
    code: string;
    /** Expectation, finding and advice. */
    message: string;
  };
}

/** A job and its progress. */
export interface Job {
  /** Id to ask for it by. */
  id: string;
  /** Project whose references are used. */
  project: string;
  /** State of the whole. */
  state: 'running' | 'finished' | 'cancelled';
  /** Images of the request. */
  total: number;
  /** Images with a result. */
  done: number;
  /** Images with an error. */
  failed: number;
  /** Time of the request. */
  createdMs: number;
  /** Time of the end, once ended. */
  endedMs?: number;
  /** A page of results, where asked for. */
  results?: JobItem[];
  /** `after` of the next page; absent on the last one. */
  next?: number;
}

/** Progress of a job, or its end. */
export interface JobEvent {
  /** 'end' comes once, last. */
  event: 'progress' | 'end';
  /** The job at that moment, without results. */
  job: Job;
}

/** Content of a callback. */
export type Callback =
  | {
      /** The job ended. */
      event: 'job.end';
      /** The job with its first results; `next` tells where to go on. */
      job: Job;
    }
  | {
      /** One image is done or failed. */
      event: 'job.item';
      /** Id of the job. */
      job: string;
      /** Project of the job. */
      project: string;
      /** The image with its result or error. */
      item: JobItem;
    };
