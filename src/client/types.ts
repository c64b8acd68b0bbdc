/** Types of requests and responses, inferred from the schemas the service checks them with. */
import type { z } from 'zod';
import type { ImageInputJson } from '../adapters/http/images/image-input.ts';
import type * as answers from '../adapters/webhook/responses.ts';
import type * as schemas from '../adapters/webhook/schemas.ts';

/** Bytes are sent as a file, without the third that base64 adds. */
export type ImageBytes = Uint8Array | Blob;
export type ClientImage = Exclude<ImageInputJson, { file: string }> | ImageBytes;
/** Annotation fields, exactly one kind of them; a mask file may be given as its bytes. */
export type ClientAnnotation = Changed<schemas.AnnotationFields, { mask?: ImageBytes | { base64: string } }>;

type Changed<T, C> = Omit<T, keyof C> & C;

export type PredictRequest = Changed<
  z.input<typeof schemas.predictSchema>,
  { image: ClientImage; references?: ({ image: ClientImage; label?: string } & ClientAnnotation)[] }
>;
export type JobRequest = Changed<z.input<typeof schemas.jobSchema>, { images: ClientImage[] }>;
export type RefineRequest = Changed<z.input<typeof schemas.refineSchema>, { image: ClientImage }>;
export type AnnotationRequest = Changed<
  z.input<typeof schemas.annotationSchema>,
  { image: ClientImage; masks?: ({ label: string } & ClientAnnotation)[] }
>;
export interface AnnotationRef {
  project: string;
  /** @default 'webhook' */
  source?: string;
  externalId: string;
}

export type PredictResponse = z.infer<typeof answers.predictResponse>;
export type MaskResponse = z.infer<typeof answers.maskResponse>;
export type RefineResponse = z.infer<typeof answers.refineResponse>;
export type Job = z.infer<typeof answers.jobResponse>;
export type JobItem = z.infer<typeof answers.jobItemResponse>;
export type AcceptResponse = z.infer<typeof answers.acceptResponse>;
export type AnnotationsResponse = z.infer<typeof answers.annotationsResponse>;
export type ProjectResponse = z.infer<typeof answers.projectResponse>;
export type NextImagesResponse = z.infer<typeof answers.nextImagesResponse>;
export type Run = z.infer<typeof answers.runResponse>;
export type Version = z.infer<typeof answers.versionResponse>;
export type Promoted = z.infer<typeof answers.promotedResponse>;
export type Delivery = z.infer<typeof answers.deliveryResponse>;
export type StatusResponse = z.infer<typeof answers.statusResponse>;

export interface JobEvent {
  event: 'progress' | 'end';
  job: Job;
}

/** Content of a callback. */
export type Callback = { event: 'job.end'; job: Job } | { event: 'job.item'; job: string; project: string; item: JobItem };
