/** `prosam/client`: a running service as typed functions. No packages and nothing of Node, so it runs wherever there is fetch. */
export { createClient } from './client.ts';
export type { ProsamClient } from './client.ts';
export type { PageOptions } from './calls.ts';
export type { AnnotationsClient } from './resources/annotations.ts';
export type { DeliveriesClient } from './resources/deliveries.ts';
export type { JobsClient } from './resources/jobs.ts';
export type { ProjectsClient } from './resources/projects.ts';
export type { VersionsClient } from './resources/versions.ts';
export type { CallOptions, ClientOptions } from './send.ts';
export { ProsamClientError } from './client-error.ts';
export type { ClientErrorCode } from './client-error.ts';
export { CALLBACK_DELIVERY_HEADER, CALLBACK_SIGNATURE_HEADER, createCallbackMemory, verifyCallback } from './callback.ts';
export type { CallbackMemory, VerifyCallbackOptions } from './callback.ts';
export type * from './types/predictions.ts';
export type * from './types/records.ts';
export type * from './types/requests.ts';
export type { Provenance } from '../service/ports/provenance.ts';
