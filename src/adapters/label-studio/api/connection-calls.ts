/** Calls about predictions, model backends and webhooks. */
import { z } from 'zod';
import * as responses from './responses.ts';
import { compactResults } from './regions.ts';
import type { CallOptions, Transport } from './transport.ts';

export interface NewBackend {
  project: number;
  url: string;
  title: string;
  is_interactive: boolean;
  auth_method: 'NONE' | 'BASIC_AUTH';
  basic_auth_user?: string;
  basic_auth_pass?: string;
  extra_params?: unknown;
}

export interface NewWebhook {
  project: number;
  url: string;
  headers: Readonly<Record<string, string>>;
  send_payload: boolean;
  send_for_all_actions: boolean;
  actions: readonly string[];
  is_active: boolean;
}

export interface NewPrediction {
  task: number | string;
  result: readonly unknown[];
  score: number;
  model_version: string;
}

export function predictionCalls(call: Transport) {
  return {
    predictions: async (task: number | string, { signal }: CallOptions = {}): Promise<responses.ApiPrediction[]> =>
      compactResults(
        await call({ method: 'GET', path: '/api/predictions', query: { task }, response: z.array(responses.predictionSchema), signal }),
      ),
    createPrediction: (prediction: NewPrediction, { signal }: CallOptions = {}) =>
      call({ method: 'POST', path: '/api/predictions', json: prediction, response: z.object({ id: z.int() }), signal }),
    /** -> how many were stored */
    importPredictions: async (project: number, list: readonly NewPrediction[], { signal }: CallOptions = {}): Promise<number> =>
      (
        await call({
          method: 'POST',
          path: `/api/projects/${project}/import/predictions`,
          json: list,
          response: responses.createdSchema,
          timeoutMs: 120_000,
          signal,
        })
      ).created,
    deletePrediction: (id: number, { signal }: CallOptions = {}) => call({ method: 'DELETE', path: `/api/predictions/${id}/`, signal }),
    /** All predictions of one version. -> how many there were */
    deleteModelVersion: async (project: number, version: string, { signal }: CallOptions = {}): Promise<number> =>
      (
        await call({
          method: 'DELETE',
          path: `/api/projects/${project}/model-versions/`,
          json: { model_version: version },
          response: responses.deletedSchema,
          signal,
        })
      ).deleted_predictions,
  };
}

export function backendCalls(call: Transport) {
  return {
    webhooks: (project: number, { signal }: CallOptions = {}) =>
      call({ method: 'GET', path: '/api/webhooks/', query: { project }, response: z.array(responses.webhookSchema), signal }),
    createWebhook: (webhook: NewWebhook, { signal }: CallOptions = {}) =>
      call({ method: 'POST', path: '/api/webhooks/', json: webhook, response: responses.webhookSchema, signal }),
    updateWebhook: (id: number, webhook: Partial<NewWebhook>, { signal }: CallOptions = {}) =>
      call({ method: 'PATCH', path: `/api/webhooks/${id}/`, json: webhook, response: responses.webhookSchema, signal }),
    deleteWebhook: (id: number, { signal }: CallOptions = {}) => call({ method: 'DELETE', path: `/api/webhooks/${id}/`, signal }),
    /** Asking for them makes Label Studio ask each of them for its health. */
    backends: (project: number, { signal }: CallOptions = {}) =>
      call({ method: 'GET', path: '/api/ml', query: { project }, response: z.array(responses.backendSchema), signal }),
    createBackend: (backend: NewBackend, { signal }: CallOptions = {}) =>
      call({ method: 'POST', path: '/api/ml', json: backend, response: responses.backendSchema, signal }),
    updateBackend: (id: number, backend: Partial<NewBackend>, { signal }: CallOptions = {}) =>
      call({ method: 'PATCH', path: `/api/ml/${id}`, json: backend, response: responses.backendSchema, signal }),
    deleteBackend: (id: number, { signal }: CallOptions = {}) => call({ method: 'DELETE', path: `/api/ml/${id}`, signal }),
    trainBackend: (id: number, { signal }: CallOptions = {}) =>
      call({ method: 'POST', path: `/api/ml/${id}/train`, json: {}, signal, timeoutMs: 110_000 }),
    backendVersions: (id: number, { signal }: CallOptions = {}) =>
      call({ method: 'GET', path: `/api/ml/${id}/versions`, response: z.object({ versions: z.array(z.string()).catch([]) }), signal }),
    /** A click or box on a task, as the editor sends it. */
    interact: (id: number, request: { task: number; context: unknown }, { signal }: CallOptions = {}) =>
      call({
        method: 'POST',
        path: `/api/ml/${id}/interactive-annotating`,
        json: request,
        response: z.looseObject({ data: z.unknown().optional(), errors: z.array(z.string()).optional().catch(undefined) }),
        timeoutMs: 110_000,
        signal,
      }),
  };
}
