/** Schemas of Label Studio's responses, limited to the fields in use. */
import { z } from 'zod';

export type { ApiAnnotation, ApiBackend, ApiPrediction, ApiProject, ApiWebhook, ListedTask, TokenSettings } from './types.ts';

const id = z.int().min(0);
const text = (longest = 10_000) => z.string().max(longest);
const optionalText = (longest?: number) => text(longest).nullish().catch(null);

export const versionSchema = z.object({ release: text(200) });

export const tokenSettingsSchema = z.object({ api_tokens_enabled: z.boolean(), legacy_api_tokens_enabled: z.boolean() });

export const projectSchema = z.object({
  id,
  title: text().catch(''),
  label_config: text(2 ** 20),
  created_at: text(60),
  model_version: optionalText(),
  show_collab_predictions: z.boolean().optional().catch(undefined),
  evaluate_predictions_automatically: z.boolean().optional().catch(undefined),
  task_number: z.number().nullish().catch(null),
});

export const projectPageSchema = z.object({ count: z.number(), next: z.string().nullable(), results: z.array(projectSchema) });

/** A task as lists give it: of its annotations and predictions only what tells whether something changed. */
export const listedTaskSchema = z.object({
  id,
  data: z.record(z.string(), z.unknown()).catch({}).default({}),
  meta: z.record(z.string(), z.unknown()).nullish().catch({}),
  updated_at: text(60).optional().catch(undefined),
  total_annotations: z.number().optional().catch(undefined),
  /** Absent: it does not say. */
  annotations: z.array(z.object({ id, updated_at: text(60) })).optional(),
  predictions: z.array(z.object({ id, model_version: optionalText(1000) })).default([]),
});

export const taskPageSchema = z.object({ total: z.number(), tasks: z.array(listedTaskSchema) });

/** Whole task; its annotations and predictions are parsed elsewhere. */
export const wholeTaskSchema = z.looseObject({
  id,
  project: id.optional(),
  data: z.record(z.string(), z.unknown()).catch({}).default({}),
  meta: z.record(z.string(), z.unknown()).nullish().catch({}),
});

export const annotationSchema = z.looseObject({ id, task: id.optional().catch(undefined), result: z.array(z.unknown()).catch([]) });

export const predictionSchema = z.looseObject({
  id,
  task: id.optional().catch(undefined),
  result: z.array(z.unknown()).catch([]),
  model_version: optionalText(1000),
  score: z.number().nullish().catch(null),
});

export const createdSchema = z.object({ created: z.number() });
export const deletedSchema = z.object({ deleted_predictions: z.number() });
export const importedSchema = z.object({
  task_count: z.number(),
  annotation_count: z.number().optional(),
  task_ids: z.array(id).optional(),
});

export const webhookSchema = z.object({
  id,
  project: id.nullish(),
  url: text(8192),
  headers: z.record(z.string(), z.string()).catch({}),
  send_payload: z.boolean().catch(true),
  send_for_all_actions: z.boolean().catch(true),
  actions: z.array(text(200)).catch([]),
  is_active: z.boolean().catch(true),
});

/** CO connected, DI disconnected, ER error, TR training, PR predicting. */
export const backendSchema = z.object({
  id,
  url: text(8192),
  title: optionalText(),
  state: text(10).catch(''),
  is_interactive: z.boolean().catch(false),
  error_message: optionalText(100_000),
  auth_method: optionalText(100),
  basic_auth_user: optionalText(1000),
  basic_auth_pass_is_set: z.boolean().catch(false),
  model_version: optionalText(1000),
  extra_params: z.unknown().optional(),
  project: id,
});
