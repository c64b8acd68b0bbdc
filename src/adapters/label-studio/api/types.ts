/** Responses of Label Studio's API, as far as they are read; the schemas in responses.ts check them. */

/** Ways in which its users may log in with tokens. */
export interface TokenSettings {
  /** Personal access tokens. */
  api_tokens_enabled: boolean;
  legacy_api_tokens_enabled: boolean;
}

export interface ApiProject {
  id: number;
  title: string;
  /** Labeling configuration, as XML. */
  label_config: string;
  /** Time in ISO 8601. */
  created_at: string;
  /** Version whose predictions are shown. */
  model_version?: string | null | undefined;
  show_collab_predictions?: boolean | undefined;
  evaluate_predictions_automatically?: boolean | undefined;
  /** Number of tasks. */
  task_number?: number | null | undefined;
}

/** A task as lists give it: of its annotations and predictions only the fields that show a change. */
export interface ListedTask {
  id: number;
  data: Record<string, unknown>;
  meta?: Record<string, unknown> | null | undefined;
  /** Time in ISO 8601. */
  updated_at?: string | undefined;
  total_annotations?: number | undefined;
  /** Absent where the response says nothing of them. */
  annotations?: { id: number; updated_at: string }[] | undefined;
  predictions: { id: number; model_version?: string | null | undefined }[];
}

export interface ApiAnnotation {
  [field: string]: unknown;
  id: number;
  task?: number | undefined;
  /** Regions, not checked yet. */
  result: unknown[];
}

export interface ApiPrediction {
  [field: string]: unknown;
  id: number;
  task?: number | undefined;
  /** Regions, not checked yet. */
  result: unknown[];
  model_version?: string | null | undefined;
  score?: number | null | undefined;
}

export interface ApiWebhook {
  id: number;
  /** Absent or null for webhooks of the whole organization. */
  project?: number | null | undefined;
  url: string;
  headers: Record<string, string>;
  send_payload: boolean;
  send_for_all_actions: boolean;
  actions: string[];
  is_active: boolean;
}

/** A connected ML backend. */
export interface ApiBackend {
  id: number;
  url: string;
  title?: string | null | undefined;
  /** CO connected, DI disconnected, ER error, TR training, PR predicting. */
  state: string;
  is_interactive: boolean;
  error_message?: string | null | undefined;
  auth_method?: string | null | undefined;
  basic_auth_user?: string | null | undefined;
  basic_auth_pass_is_set: boolean;
  model_version?: string | null | undefined;
  /** Settings that people wrote, sent with every /setup. */
  extra_params?: unknown;
  project: number;
}
