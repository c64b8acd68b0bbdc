/** `prosam/label-studio`: Label Studio's side of the service, its protocol for any other model, and its own interface. */
export { labelStudio } from './label-studio.ts';
export type { LabelStudio } from './label-studio.ts';
export type {
  AnnotationRecorder,
  Connection,
  FetchImage,
  LabelStudioApi,
  LabelStudioLimits,
  LabelStudioOptions,
  PushedPrediction,
} from './types.ts';

// The protocol alone, for other models.
export { createMlBackend } from './protocol/ml-backend.ts';
export type { MlBackendLimits, MlBackendOptions, MlCall, MlPredictRequest } from './protocol/ml-backend.ts';
export type { MlEvent } from './protocol/events.ts';
export type { MlAnnotation, MlRegion, MlSetup, MlTask } from './protocol/request-schemas.ts';
export type { MlResponse } from './protocol/responses.ts';
export { parseLabelConfig } from './protocol/label-config.ts';
export type { Control, ControlKind, LabelConfig } from './protocol/label-config.ts';
export { annotationOfRegion, labelsOfRegion } from './protocol/read-region.ts';
export { writeRegions } from './protocol/write-region.ts';
export type { MaskToWrite, WriteOptions, WrittenRegion } from './protocol/write-region.ts';
export { decodeBrushRleSync, decodeBrushRle, encodeBrushRleSync, encodeBrushRle } from '../../core/mask/brush-rle.ts';

// Calls to Label Studio.
export { createLabelStudioClient } from './api/client.ts';
export type { LabelStudioClient, LabelStudioClientOptions } from './api/client.ts';
export { createConnectionApi } from './connection/connection-api.ts';
export type { ConnectionApi, ConnectionApiOptions } from './connection/connection-api.ts';
export { createConnectionClients } from './connection/clients.ts';
export { createFetchImage } from './connection/images.ts';
export { createCheckedFetch } from '../http/checked-fetch.ts';
export { repairWebhook, webhookProblems } from './connection/webhook.ts';
