/** The typed client: no packages, nothing of Node, so that it runs wherever there is fetch. */
export { createClient } from './client.ts';
export type { PageOptions, ProsamClient } from './client.ts';
export type { CallOptions, ClientOptions } from './send.ts';
export { ProsamClientError } from './client-error.ts';
export type { ClientErrorCode } from './client-error.ts';
export { CALLBACK_DELIVERY_HEADER, CALLBACK_SIGNATURE_HEADER, createCallbackMemory, verifyCallback } from './callback.ts';
export type { CallbackMemory, VerifyCallbackOptions } from './callback.ts';
export type * from './types.ts';
