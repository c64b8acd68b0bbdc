/** Live prompt encoder of each project, and the swap to another without downtime. */
import { isProsamError, messageOf, ProsamError } from '../core/common/errors.ts';
import type { Log } from './ports/log.ts';
import { within } from '../core/common/patience.ts';
import type { Blobs } from './ports/storage.ts';
import type { Engine } from '../core/engine/types.ts';
import type { ProjectState, VersionStore } from './ports/versions.ts';
import { PATIENCE_MS, tooSlow } from './patience.ts';

/** Name of the model's own prompt encoder wherever versions are named. */
export const BASE = 'base';

export interface ServingParts {
  engine: Pick<Engine, 'loadPromptEncoder' | 'unloadPromptEncoder' | 'info'>;
  versions: VersionStore;
  blobs: Blobs;
  log: Log;
  now: () => number;
  /** Longest wait for the weights of a version. @default 120,000 */
  patienceMs?: number | undefined;
  /** Called when a project is answered by another version than before. */
  onSwap?: (project: string, version: string) => void;
}

export interface Serving {
  /** Runs work with the version in service for the project (state: what the store says), which stays loaded until work ends. */
  use<T>(state: ProjectState, work: (version: string, promptEncoder: string | undefined) => Promise<T>): Promise<T>;
  /** The same with a version by name. @throws VERSION_NOT_FOUND */
  useVersion<T>(project: string, version: string, work: (version: string, promptEncoder: string | undefined) => Promise<T>): Promise<T>;
  /** In service once it resolves. @throws what loading it throws; the old version then goes on answering */
  swapTo(state: ProjectState): Promise<void>;
  state(): { project: string; encoderVersion: string; since: number }[];
  /** visible: whether a project may be seen. @default all */
  problems(visible?: (project: string) => boolean): string[];
}

interface Served {
  id: string | undefined;
  since: number;
  /** Version that could not be loaded, the reason, and the time of the last attempt. */
  failed?: { id: string | undefined; reason: string; atMs: number };
}

const TRY_AGAIN_MS = 30_000;

export function createServing({ engine, versions, blobs, log, now, patienceMs = PATIENCE_MS, onSwap }: ServingParts): Serving {
  const served = new Map<string, Served>();
  /** Latest revision of the store that was heard of. */
  const newest = new Map<string, number>();
  const swapping = new Map<string, { to: string | undefined; done: Promise<void> }>();
  const loading = new Map<string, Promise<void>>();
  /** Calls under way with each version. */
  const uses = new Map<string, number>();

  const weightsOf = async (id: string): Promise<{ bytes: Uint8Array; baseModel: string }> => {
    const version = await versions.get(id);
    if (version === undefined) throw notFound(id);
    const { baseModel } = version;
    const bytes = await blobs.get(version.weights);
    if (bytes) return { bytes, baseModel };
    throw new ProsamError('BLOB_DAMAGED', `the weights of version ${id} are missing from the object store. Restore them from a backup.`);
  };
  const load = (id: string): Promise<void> => {
    const running = loading.get(id);
    if (running) return running;
    const loaded = (async () => {
      const late = (): Error => tooSlow(`the weights of version ${id}`, patienceMs);
      const { bytes, baseModel } = await within(weightsOf(id), { ms: patienceMs, late });
      await engine.loadPromptEncoder(id, bytes).catch((error: unknown) => {
        throw ofOtherModel(error, baseModel, engine.info.model);
      });
    })();
    loading.set(id, loaded);
    loaded.catch(() => loading.delete(id));
    return loaded;
  };
  const unloadUnused = (): void => {
    const needed = new Set([...served.values()].map(({ id }) => id));
    for (const { to } of swapping.values()) needed.add(to);
    for (const id of [...loading.keys()]) {
      if (needed.has(id) || uses.has(id)) continue;
      loading.delete(id);
      engine.unloadPromptEncoder(id).catch((error: unknown) => log.warn({ version: id, error: messageOf(error) }, 'version not unloaded'));
    }
  };
  const flip = (project: string, id: string | undefined): void => {
    served.set(project, { id, since: now() });
    onSwap?.(project, id ?? BASE);
    unloadUnused();
  };
  /** Known by name alone: whoever asks for such projects must not make the lists of them grow. */
  const isUnknown = ({ project, current, revision }: ProjectState): boolean =>
    revision === 0 && current === undefined && !served.has(project) && !swapping.has(project);
  const swapTo: Serving['swapTo'] = ({ project, current: wanted, revision }) => {
    // Somebody read the store before it changed again.
    if (revision < (newest.get(project) ?? 0)) return Promise.resolve();
    newest.set(project, revision);
    const current = served.get(project);
    if (current?.id === wanted && current?.failed === undefined && current !== undefined) return Promise.resolve();
    const running = swapping.get(project);
    if (running?.to === wanted && running !== undefined) return running.done;
    const entry = { to: wanted, done: Promise.resolve() };
    entry.done = (async () => {
      // One after another, and never before this promise is known below.
      await (running?.done.catch(() => undefined) ?? Promise.resolve());
      try {
        if (wanted !== undefined) await load(wanted);
        flip(project, wanted);
        log.info({ project, version: wanted ?? BASE }, 'version in service');
      } catch (error) {
        const kept = served.get(project) ?? { id: undefined, since: now() };
        served.set(project, { ...kept, failed: { id: wanted, reason: messageOf(error), atMs: now() } });
        log.error({ project, version: wanted ?? BASE, error: messageOf(error) }, 'version not put into service');
        throw error;
      } finally {
        if (swapping.get(project) === entry) swapping.delete(project);
      }
    })();
    swapping.set(project, entry);
    return entry.done;
  };
  const holding = async <T>(
    id: string | undefined,
    work: (version: string, promptEncoder: string | undefined) => Promise<T>,
  ): Promise<T> => {
    if (id === undefined) return work(BASE, undefined);
    uses.set(id, (uses.get(id) ?? 0) + 1);
    try {
      return await work(id, id);
    } finally {
      const left = (uses.get(id) ?? 1) - 1;
      if (left > 0) uses.set(id, left);
      else {
        uses.delete(id);
        unloadUnused();
      }
    }
  };

  return {
    swapTo,
    async use(state, work) {
      if (isUnknown(state)) return holding(undefined, work);
      const { project, current: wanted } = state;
      const known = served.get(project);
      const due = known?.failed === undefined || known.failed.id !== wanted || Math.abs(now() - known.failed.atMs) > TRY_AGAIN_MS;
      // Nothing answers for it yet: the first request waits. Later ones go on with the old version while the new one is loaded.
      if (known === undefined) await swapTo(state).catch(() => undefined);
      else if (known.id !== wanted && due) swapTo(state).catch(() => undefined);
      return holding(served.get(project)?.id, work);
    },
    async useVersion(project, version, work) {
      if (version === BASE) return holding(undefined, work);
      const record = await versions.get(version);
      if (record?.project !== project) throw notFound(version);
      // Held before it is loaded, so that nothing unloads it in between.
      return holding(version, async (name, promptEncoder) => {
        await load(version);
        return work(name, promptEncoder);
      });
    },
    state: () => [...served].map(([project, { id, since }]) => ({ project, encoderVersion: id ?? BASE, since })),
    problems: (visible) =>
      [...served].flatMap(([project, { id, failed }]) =>
        failed === undefined || visible?.(project) === false
          ? []
          : [
              `project ${project}: version ${failed.id ?? BASE} could not be put into service: ${failed.reason} ${id ?? BASE} goes on answering.`,
            ],
      ),
  };
}

/** The reason people can act on where a version was learned on another model. */
function ofOtherModel(error: unknown, baseModel: string, model: string): unknown {
  if (!isProsamError(error) || error.code !== 'PROMPT_ENCODER_MISMATCH' || baseModel === model) return error;
  const [name] = baseModel.split('@');
  const message = `it belongs to ${baseModel}, and this service runs ${model}. To go on with it, start the service with that model (PROSAM_MODEL=${name}).`;
  return new ProsamError('PROMPT_ENCODER_MISMATCH', message, { cause: error });
}

export function notFound(version: string): ProsamError {
  return new ProsamError(
    'VERSION_NOT_FOUND',
    `expected the version ${version}, but this project has none of that name. GET /v1/versions lists them.`,
  );
}
