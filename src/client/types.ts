/** Types of requests and responses, inferred from the schemas the service checks them with. */
import type { z } from 'zod';
import type { ImageInputJson } from '../adapters/http/images/image-input.ts';
import type * as responses from '../adapters/webhook/responses.ts';
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

export type PredictResponse = z.infer<typeof responses.predictResponse>;
export type MaskResponse = z.infer<typeof responses.maskResponse>;
export type RefineResponse = z.infer<typeof responses.refineResponse>;
export type Job = z.infer<typeof responses.jobResponse>;
export type JobItem = z.infer<typeof responses.jobItemResponse>;
export type AcceptResponse = z.infer<typeof responses.acceptResponse>;
export type AnnotationsResponse = z.infer<typeof responses.annotationsResponse>;
export type ProjectResponse = z.infer<typeof responses.projectResponse>;
export type NextImagesResponse = z.infer<typeof responses.nextImagesResponse>;
export type Run = z.infer<typeof responses.runResponse>;
export type Version = z.infer<typeof responses.versionResponse>;
export type Promoted = z.infer<typeof responses.promotedResponse>;
export type Delivery = z.infer<typeof responses.deliveryResponse>;
export type StatusResponse = z.infer<typeof responses.statusResponse>;

export interface JobEvent {
  event: 'progress' | 'end';
  job: Job;
}

/** Content of a callback. */
export type Callback = { event: 'job.end'; job: Job } | { event: 'job.item'; job: string; project: string; item: JobItem };
