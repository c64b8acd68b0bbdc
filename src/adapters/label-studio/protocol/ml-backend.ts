/** Label Studio's protocol for machine learning backends, for any model: what it asks comes typed and bounded, what it gets has the right shape. */
import { z } from 'zod';
import { ProsamError } from '../../../core/common/errors.ts';
import type { Log } from '../../../service/ports/log.ts';
import { runSteps, type Steps } from '../../../core/mask/cooperative.ts';
import { mayUse } from '../../http/guard.ts';
import { route, type Caller, type Route } from '../../http/route.ts';
import { checkInput } from '../../http/check-input.ts';
import { checkedResults, writeResults, type MlResponse } from './responses.ts';
import { parseEvent, type MlEvent } from './events.ts';
import { parseLabelConfig, type LabelConfig } from './label-config.ts';
import { parseLargeJson } from './large-json.ts';
import { completedTask } from './read-task.ts';
import { predictEnvelope, setupSchema, taskShape, type MlRegion, type MlSetup, type MlTask } from './request-schemas.ts';

/** Context of every call. */
export interface MlCall {
  caller: Caller;
  /** Aborts when Label Studio no longer waits. */
  signal: AbortSignal;
  log: Log;
}

export interface MlPredictRequest {
  /** `<id>.<seconds>`; '' where a request names none. */
  project: string;
  /** One a result, in this order. */
  tasks: readonly MlTask[];
  labelConfig: LabelConfig;
  /** The same as it came. */
  labelConfigXml: string;
  /** Prompt just drawn by a user; then there is one task. Absent for batches. */
  context?: readonly MlRegion[];
}

export interface MlBackendOptions {
  /** Shown in Label Studio. */
  modelClass: string;
  /** Comes often and must answer within 3 s: nothing slow belongs here. `model_version` in Label Studio, which compares predictions by it. */
  setup(setup: MlSetup, call: MlCall): Promise<{ modelVersion: string }>;
  /** One answer a task, in their order; undefined: nothing is stored for it, and it may be asked again. */
  predict(request: MlPredictRequest, call: MlCall): Promise<readonly (MlResponse | undefined)[]>;
  /**
   * Label Studio waits for 1 s while somebody presses Submit: keep the event, and do slow work afterwards. It is answered once this resolves. @default events are taken and forgotten
   */
  onEvent?(event: MlEvent, call: MlCall): Promise<void>;
  /** Further fields of the answer to /health, which must not be late. @default none */
  about?(caller: Caller): Promise<Record<string, unknown>>;
  /** Versions of predictions in the projects that the caller may use. @default none */
  versions?(call: MlCall): Promise<readonly string[]>;
  /** Project name that access is checked for, where callers may be restricted to projects. @default the key itself */
  projectName?: (key: string) => string;
  limits?: MlBackendLimits;
}

export interface MlBackendLimits {
  /** @default 256 MiB */
  maxBodyBytes?: number;
  /** @default 10,000 */
  maxTasks?: number;
  /** For /predict, in milliseconds; Label Studio gives up after 100,000. @default 98,000 */
  deadlineMs?: number;
}

const versionsResponse = z.object({ versions: z.array(z.string()) });

/** Routes for the path that Label Studio is given; mount them at '/' for an address without a path. */
export function createMlBackend(options: MlBackendOptions): { routes: readonly Route[] } {
  const { modelClass, projectName = (key: string): string => key } = options;
  const { maxBodyBytes = 256 * 2 ** 20, maxTasks = 10_000, deadlineMs = 98_000 } = options.limits ?? {};
  const check = (caller: Caller, key: string): void => {
    if (key !== '') mayUse(caller, projectName(key));
  };
  const routes = [
    route({
      method: 'get',
      path: '/health',
      summary: 'Whether the backend is there',
      access: 'write',
      handle: async ({ caller }) => ({ json: { status: 'UP', model_class: modelClass, ...(await options.about?.(caller)) } }),
    }),
    route({
      method: 'post',
      path: '/setup',
      summary: 'Label Studio introduces a project and asks for the version of its predictions',
      access: 'write',
      rawBody: true,
      maxBodyBytes: 4 * 2 ** 20,
      // All that Label Studio shows to whoever connects.
      errorsInStatusLine: true,
      async handle({ rawBody, caller, signal, log }) {
        const setup = checkInput(setupSchema, await read(rawBody, signal), 'body');
        check(caller, setup.project);
        const { modelVersion } = await options.setup(setup, { caller, signal, log });
        return { json: { model_version: modelVersion } };
      },
    }),
    route({
      method: 'post',
      path: '/predict',
      summary: 'Predictions for tasks, or an answer to what somebody draws',
      access: 'write',
      rawBody: true,
      maxBodyBytes,
      deadlineMs,
      async handle({ rawBody, caller, signal, log }) {
        const body = await read(rawBody, signal);
        const { project = '', label_config, params } = checkInput(predictEnvelope, body, 'body');
        check(caller, project);
        const tasks = await readTasks(body, maxTasks, signal);
        const labelConfigXml = label_config ?? '';
        const labelConfig = labelConfigXml === '' ? { controls: [], images: [] } : parseLabelConfig(labelConfigXml);
        const context = params?.context?.result;
        const request = { project, tasks, labelConfig, labelConfigXml, ...(context && context.length > 0 && { context }) };
        const responses = tasks.length === 0 ? [] : await options.predict(request, { caller, signal, log });
        const results = checkedResults(responses, tasks, labelConfig, log);
        return { bytes: await writeResults(results, signal), type: 'application/json' };
      },
    }),
    route({
      method: 'post',
      path: '/webhook',
      summary: 'Label Studio tells of annotations, tasks, settings, and that training is asked for',
      access: 'write',
      rawBody: true,
      maxBodyBytes,
      async handle({ rawBody, caller, signal, log }) {
        const event = await runSteps(parseEvent(await read(rawBody, signal)), signal);
        if ('project' in event) check(caller, event.project.key);
        await options.onEvent?.(event, { caller, signal, log });
        return { json: { status: 'ok' } };
      },
    }),
    route({
      method: 'get',
      path: '/versions',
      summary: 'Versions of predictions',
      access: 'write',
      response: versionsResponse,
      async handle({ caller, signal, log }) {
        return { json: { versions: (await options.versions?.({ caller, signal, log })) ?? [] } };
      },
    }),
  ];
  return { routes };
}

async function read(rawBody: Uint8Array | undefined, signal: AbortSignal): Promise<unknown> {
  const bytes = rawBody ?? new Uint8Array();
  return parseLargeJson(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength), signal);
}

/** Every task needs its result: one without so much as a number is the whole request's failure. */
async function readTasks(body: unknown, most: number, signal: AbortSignal): Promise<MlTask[]> {
  const list = (body as { tasks?: unknown } | undefined)?.tasks;
  if (!Array.isArray(list) || list.length > most) {
    const got = Array.isArray(list) ? `${list.length}` : 'none';
    throw new ProsamError('REQUEST_INVALID', `tasks: expected a list of at most ${most}, got ${got}. Select fewer tasks at a time.`);
  }
  const tasks: MlTask[] = [];
  function* check(all: readonly unknown[]): Steps<void> {
    for (const one of all) {
      tasks.push(yield* completedTask(checkInput(taskShape, one, 'body')));
      yield;
    }
  }
  await runSteps(check(list), signal);
  return tasks;
}
