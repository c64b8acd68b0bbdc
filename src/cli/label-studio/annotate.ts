/** `prosam label-studio annotate`: predictions for every task of a project, through Label Studio's interface alone. */
import { setTimeout as wait } from 'node:timers/promises';
import { messageOf } from '../../core/common/errors.ts';
import type { CleanOptions } from '../../core/mask/clean-mask.ts';
import type { ListedTask } from '../../adapters/label-studio/api/responses.ts';
import { createServer } from '../../server/create-server.ts';
import { createBackendClient, type BackendClient, type PredictedTask } from './backend-client.ts';
import type { LabelStudioContext } from './context.ts';
import { projectText } from './project-text.ts';
import { createProgress } from '../common/progress.ts';
import { EXIT, UsageError, type Terminal } from '../common/command.ts';

export interface AnnotateOptions {
  json: boolean;
  /** Tasks in one request. */
  batch: number;
  /** Predicts annotated tasks, too. */
  all: boolean;
  /** Specks and holes of masks, where no running service was named. */
  cleaning: CleanOptions;
  /** Whether a running service was named. */
  given: boolean;
}

/** Equal answers, a second apart, after which the version is stable: annotations are pulled meanwhile. */
const STEADY = 3;
const MAX_WAITS = 120;

/** Resolves to the exit code. @throws LABEL_STUDIO_* */
export async function annotate(
  context: LabelStudioContext & { project: number },
  terminal: Terminal,
  options: AnnotateOptions,
): Promise<number> {
  if (options.given) {
    if (Object.keys(options.cleaning).length > 0)
      throw new UsageError(
        '--min-area, --fill-holes and --largest-only are for a run without --backend and --from-here: a running service has them in its configuration, under labelStudio.',
      );
    return annotateWith(context, terminal, options);
  }
  const { configFile, settings, client, token, login } = context;
  const prosam = await createServer({
    ...(configFile !== undefined && { configFile }),
    ...{ host: '127.0.0.1', port: 0, learner: { run: 'off' }, log: { level: 'error' } },
    labelStudio: {
      ...withoutUndefined(settings.labelStudio),
      ...options.cleaning,
      enabled: true,
      url: client.url,
      ...(token !== undefined && { token }),
    },
  });
  try {
    const fromHere = `${await prosam.listen()}/label-studio`;
    return await annotateWith({ ...context, fromHere, backend: fromHere, login }, terminal, options);
  } finally {
    await prosam.close();
  }
}

async function annotateWith(
  context: LabelStudioContext & { project: number },
  { print, warn, signal }: Terminal,
  { json, batch, all }: AnnotateOptions,
): Promise<number> {
  const { client, project: id } = context;
  const backend = createBackendClient(context);
  const project = await client.project(id, { signal });
  const version = await steadyVersion(backend, project, signal);
  const { todo, done } = await tasksToDo(context, version, all, signal);
  const progress = createProgress(todo.length + done, process.stderr, done);
  const counts = { stored: 0, nothing: 0, without: 0, failed: 0 };
  const failures: string[] = [];
  for (let start = 0; start < todo.length; start += batch) {
    signal?.throwIfAborted();
    const tasks = todo.slice(start, start + batch);
    const found = await backend
      .predict(
        project,
        tasks.map(({ id: task, data, meta }) => ({ id: task, data, meta: meta ?? {}, annotations: [], predictions: [] })),
        signal,
      )
      .catch((error: unknown) => {
        signal?.throwIfAborted();
        failures.push(messageOf(error));
        return undefined;
      });
    if (found === undefined) counts.failed += tasks.length;
    else {
      counts.stored += found.length === 0 ? 0 : await store(client, id, found, signal);
      counts.nothing += found.filter(({ result }) => result.length === 0).length;
      counts.without += tasks.length - found.length;
    }
    tasks.forEach((task) => progress.advance(`task ${task.id}`));
  }
  progress.clear();
  if (json) print(JSON.stringify({ project: id, version, before: done, ...counts, failures: failures.slice(0, 10) }));
  else {
    print(
      `${projectText(project)}: ${counts.stored} predicted, ${done} were before, ${counts.without} without a mask, ${counts.failed} failed (version ${version})`,
    );
    if (counts.nothing > 0)
      print(
        `${counts.nothing} of the ${counts.stored} have no region: probably nothing is there. Their score says how sure that is; a click brings a mask, a lower threshold more of them`,
      );
    [...new Set(failures)].slice(0, 5).forEach((text) => warn(text));
    if (counts.stored === 0 && counts.without > 0)
      warn("nothing was found: annotate at least one image of the project first, or look at the service's log");
  }
  return counts.failed > 0 ? EXIT.someFailed : EXIT.ok;
}

async function store(
  client: LabelStudioContext['client'],
  project: number,
  found: readonly PredictedTask[],
  signal: AbortSignal | undefined,
): Promise<number> {
  return client.importPredictions(project, found, { signal });
}

/** Introduces the project and waits until its annotations have been pulled: each active one changes the version. */
async function steadyVersion(
  backend: BackendClient,
  project: Parameters<BackendClient['setup']>[0],
  signal: AbortSignal | undefined,
): Promise<string> {
  let version = await backend.setup(project, signal);
  for (let same = 0, waits = 0; same < STEADY && waits < MAX_WAITS; waits++) {
    await wait(1000, undefined, signal ? { signal } : {});
    const next = await backend.setup(project, signal);
    same = next === version ? same + 1 : 0;
    version = next;
  }
  return version;
}

async function tasksToDo(
  { client, project }: LabelStudioContext & { project: number },
  version: string,
  all: boolean,
  signal: AbortSignal | undefined,
) {
  const todo: ListedTask[] = [];
  let done = 0;
  for await (const task of client.tasks(project, { predictions: true, signal })) {
    if (task.predictions.some(({ model_version }) => model_version === version)) done++;
    else if (all || (task.annotations?.length ?? task.total_annotations ?? 0) === 0) todo.push(task);
  }
  return { todo, done };
}

function withoutUndefined<T extends object>(value: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(value).filter(([, one]) => one !== undefined)) as { [K in keyof T]: Exclude<T[K], undefined> };
}
