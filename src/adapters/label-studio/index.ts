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
export { createMlBackend } from '../ml-backend/ml-backend.ts';
export type { MlBackendLimits, MlBackendOptions, MlCall, MlPredictRequest } from '../ml-backend/ml-backend.ts';
export type { MlEvent } from '../ml-backend/events.ts';
export type { MlAnnotation, MlRegion, MlSetup, MlTask } from '../ml-backend/request-schemas.ts';
export type { MlAnswer } from '../ml-backend/answers.ts';
export { parseLabelConfig } from '../ml-backend/label-config.ts';
export type { Control, ControlKind, LabelConfig } from '../ml-backend/label-config.ts';
export { annotationOfRegion, labelsOfRegion } from '../ml-backend/read-region.ts';
export { writeRegions } from '../ml-backend/write-region.ts';
export type { MaskToWrite, WriteOptions, WrittenRegion } from '../ml-backend/write-region.ts';
export { decodeBrushRle, decodeBrushRleInTurns, encodeBrushRle, encodeBrushRleInTurns } from '../ml-backend/brush-rle.ts';

// Calls to Label Studio.
export { createLabelStudioClient } from './api-client.ts';
export type { LabelStudioClient, LabelStudioClientOptions } from './api-client.ts';
export { createConnectionApi } from './connection-api.ts';
export type { ConnectionApi, ConnectionApiOptions } from './connection-api.ts';
export { createConnectionClients } from './connection-clients.ts';
export { createFetchImage } from './connection-images.ts';
export { createCheckedFetch } from './connection-fetch.ts';
export { repairWebhook, webhookProblems } from './connection-webhook.ts';
