/** Client of a running service: every route of `/v1` as a typed function, for Node and browsers. */
import { createCalls } from './calls.ts';
import { annotationsClient, type AnnotationsClient } from './resources/annotations.ts';
import { deliveriesClient, type DeliveriesClient } from './resources/deliveries.ts';
import { jobsClient, type JobsClient } from './resources/jobs.ts';
import { projectsClient, type ProjectsClient } from './resources/projects.ts';
import { versionsClient, type VersionsClient } from './resources/versions.ts';
import type { CallOptions, ClientOptions } from './send.ts';
import type { PredictResponse, RefineResponse, TrackResponse } from './types/predictions.ts';
import type { StatusResponse } from './types/records.ts';
import type { PredictRequest, RefineRequest, TrackRequest } from './types/requests.ts';

/** Every function rejects with a ProsamClientError, or with the reason of its signal. */
export interface ProsamClient {
  /** Masks of labels in one image, from the references of the project or from those of the request. */
  predict(request: PredictRequest, options?: CallOptions): Promise<PredictResponse>;
  /** Masks from clicks and a box on one image. */
  refine(request: RefineRequest, options?: CallOptions): Promise<RefineResponse>;
  /** An object that was marked in one frame, found in a later one. */
  track(request: TrackRequest, options?: CallOptions): Promise<TrackResponse>;
  /** Readiness, problems, load, and the live version of every project. */
  status(options?: CallOptions): Promise<StatusResponse>;
  readonly annotations: AnnotationsClient;
  readonly jobs: JobsClient;
  readonly projects: ProjectsClient;
  readonly versions: VersionsClient;
  readonly deliveries: DeliveriesClient;
}

/**
 * @example
 * const client = createClient({ url: 'http://127.0.0.1:9090', token });
 * const { masks } = await client.predict({ project: 'cups', image: bytes });
 * await client.annotations.put({ project: 'cups', externalId: '1', revision: 1, image: bytes, provenance: 'accepted', masks: accepted });
 */
export function createClient(options: ClientOptions): ProsamClient {
  const calls = createCalls(options);
  return {
    predict: (request, call) => calls.post('/predict', request, true, call),
    refine: (request, call) => calls.post('/refine', request, true, call),
    track: (request, call) => calls.post('/track', request, true, call),
    status: (call) => calls.get('/status', call),
    annotations: annotationsClient(calls),
    jobs: jobsClient(calls),
    projects: projectsClient(calls),
    versions: versionsClient(calls),
    deliveries: deliveriesClient(calls),
  };
}
