/** Client of this service that sends Label Studio's requests. */
import { fixedCredentials } from '../../adapters/label-studio/api/credentials.ts';
import { z } from 'zod';
import { createTransport, type Transport } from '../../adapters/label-studio/api/transport.ts';
import { sameService } from '../../adapters/label-studio/connection/webhook.ts';
import { projectKeyOf } from '../../adapters/label-studio/protocol/events.ts';
import type { ServerDialect } from '../../adapters/http/outbound-types.ts';
import type { ApiProject } from '../../adapters/label-studio/api/responses.ts';
import { isAnswerVersion } from '../../service/answer-version.ts';
import { ProsamError } from '../../core/common/errors.ts';
import { authorizationOf, type LabelStudioContext } from './context.ts';

const healthSchema = z.object({ status: z.string(), model_class: z.string() });
const setupSchema = z.object({ model_version: z.string() });
const itemSchema = z.object({ result: z.array(z.unknown()), score: z.number().catch(0), model_version: z.string() });
const resultsSchema = z.object({ results: z.array(z.unknown()) });
const count = z.int().min(0);
const syncSchema = z.object({
  ...{ project: z.string(), tasks: count, annotations: count, stored: count, removed: count, missing: count, failed: count },
  failure: z.string().optional(),
  refused: z.string().optional(),
});
const problemSchema = z.object({ problem: z.string().nullable() });
const errorSchema = z.object({ error: z.object({ message: z.string() }) });

/** Words of this service: what fails in front of it is not Label Studio's doing. */
const SERVICE: Partial<ServerDialect> = {
  name: 'this service',
  versions: 'of the same version',
  detailOf: (json) => errorSchema.safeParse(json).data?.error.message ?? '',
  advice: {},
};

export interface PredictedTask {
  task: number;
  result: unknown[];
  score: number;
  model_version: string;
}

export type SyncReport = z.infer<typeof syncSchema>;

export interface BackendClient {
  /** Returns the name of the model. @throws LABEL_STUDIO_* */
  health(): Promise<string>;
  /** Introduces the project; resolves to the version of predictions. */
  setup(project: ApiProject, signal?: AbortSignal): Promise<string>;
  /** Predicts tasks; those without a result are left out. */
  predict(project: ApiProject, tasks: readonly unknown[], signal?: AbortSignal): Promise<PredictedTask[]>;
  /** Compares annotations with Label Studio; the project must have been introduced. */
  sync(project: ApiProject, options: { acceptRemovals: boolean; restore: boolean }, signal?: AbortSignal): Promise<SyncReport>;
  /** Problem found by the last comparison. */
  problem(project: ApiProject): Promise<string | undefined>;
}

export function createBackendClient({
  backend,
  fromHere,
  login,
  token,
  client,
}: Pick<LabelStudioContext, 'backend' | 'fromHere' | 'login' | 'token' | 'client'>): BackendClient {
  const authorization = authorizationOf(login);
  const credentials = authorization === undefined ? undefined : fixedCredentials('basic', authorization);
  const call: Transport = createTransport({
    ...{ url: fromHere, ...(credentials && { credentials }), attempts: 2, timeoutMs: 10_000 },
    dialect: SERVICE,
  });
  /** Settings of each project's connection: an introduction without them would take them from the service. */
  const params = new Map<number, Promise<unknown>>();
  const paramsOf = async (project: number, signal: AbortSignal | undefined): Promise<unknown> => {
    const backends = await client.backends(project, { signal });
    const own =
      backends.find(({ url }) => sameService(url, backend)) ??
      backends.find(({ model_version: version }) => isAnswerVersion(version ?? ''));
    return own?.extra_params ?? null;
  };
  return {
    health: async () => (await call({ method: 'GET', path: '/health', response: healthSchema })).model_class,
    async setup(project, signal) {
      const extra = params.get(project.id) ?? paramsOf(project.id, signal);
      params.set(project.id, extra);
      const extra_params = await extra;
      return (
        await call({
          method: 'POST',
          path: '/setup',
          json: {
            project: keyOf(project),
            schema: project.label_config,
            hostname: client.url,
            access_token: token ?? null,
            extra_params,
          },
          response: setupSchema,
          repeatable: true,
          signal,
        })
      ).model_version;
    },
    async predict(project, tasks, signal) {
      const params = { login: null, password: null, context: null };
      const { results } = await call({
        method: 'POST',
        path: '/predict',
        json: { tasks, project: keyOf(project), label_config: project.label_config, params },
        response: resultsSchema,
        timeoutMs: 110_000,
        repeatable: true,
        signal,
      });
      return results.flatMap((one, place) => {
        const item = itemSchema.safeParse(one);
        return item.success ? [{ task: (tasks[place] as { id: number }).id, ...item.data }] : [];
      });
    },
    sync: (project, options, signal) =>
      call({
        method: 'POST',
        path: '/sync',
        json: { key: keyOf(project), ...options },
        response: syncSchema,
        timeoutMs: 600_000,
        signal,
      }),
    problem: async (project) =>
      (await call({ method: 'GET', path: '/sync', query: { key: keyOf(project) }, response: problemSchema })).problem ?? undefined,
  };
}

export function keyOf({ id, created_at }: Pick<ApiProject, 'id' | 'created_at'>): string {
  const key = projectKeyOf(id, created_at);
  if (key === undefined)
    throw new ProsamError('LABEL_STUDIO_FAILED', 'The project of Label Studio has no date that can be read. Update Label Studio.');
  return key;
}
