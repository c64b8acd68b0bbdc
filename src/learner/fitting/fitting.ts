/** Fits numbers beside the training runs, whenever the masks of a label have changed: one label at a time, in a process of its own. */
import { setTimeout as wait } from 'node:timers/promises';
import { openModel } from '../../core/checkpoint/model-folder.ts';
import { messageOf } from '../../core/common/errors.ts';
import type { Engine } from '../../core/engine/types.ts';
import type { Device } from '../../core/runtime/devices/devices.ts';
import { createEngine } from '../../core/runtime/node/create-engine.ts';
import { modelFolder } from '../../core/runtime/node/open-engine.ts';
import type { ProjectState } from '../../service/ports/versions.ts';
import { runFiles } from '../run-files.ts';
import type { LearnerSettings } from '../settings.ts';
import { fitProject, type FitParts } from './fit-project.ts';

type FittingContext = FitParts['context'];

/** Between two looks at what has changed, in milliseconds. */
const LOOK_EVERY_MS = 2000;
/** A project that changes with every look is fitted all the same after so long, in milliseconds. */
const LONGEST_WAIT_MS = 15_000;
/** Between two attempts where the engine or the stores do not work, in milliseconds. */
const AGAIN_MS = 30_000;
/** Bound on what is remembered of failures. */
const MAX_FAILED = 10_000;

/** Whether numbers that are fitted would be used. */
function isUseful({ fitFrom, method }: Pick<LearnerSettings, 'fitFrom' | 'method'>): boolean {
  return fitFrom > 0 && (method === 'auto' || method === 'learned');
}

/** Resolves once the context's signal has ended it. wanted: projects to look after */
export async function keepFitting(context: FittingContext, wanted: (project: string) => boolean, lookEveryMs: number): Promise<void> {
  const { signal, log, storage, settings } = context;
  if (!isUseful(settings)) return;
  const pipeline = fittingEngine(context.settings);
  /** Revisions at which nothing was left to fit. */
  const settled = new Map<string, number>();
  /** Projects that have changed since, at which revision, and for how long they have. */
  const changed = new Map<string, { revision: number; sinceMs: number }>();
  /** Projects that were begun with and not ended. */
  const begun = new Set<string>();
  const failed = new Set<string>();
  const isDue = ({ project, revision }: ProjectState): boolean => {
    if (begun.has(project)) return true;
    if (settled.get(project) === revision) return false;
    const known = changed.get(project);
    if (known?.revision === revision) return true;
    const sinceMs = known?.sinceMs ?? performance.now();
    changed.set(project, { revision, sinceMs });
    return performance.now() - sinceMs > LONGEST_WAIT_MS;
  };
  /** -> ms until the next look */
  const look = async (): Promise<number> => {
    let pauseMs = Math.min(lookEveryMs, LOOK_EVERY_MS);
    const due = (await storage.store.versions.projects()).filter((state) => wanted(state.project) && isDue(state));
    for (const state of due) {
      if (signal.aborted) break;
      const outcome = await fitProject({ context, ...pipeline }, state, failed);
      if (outcome === 'more') pauseMs = 0;
      if (outcome !== 'done') {
        begun.add(state.project);
        continue;
      }
      begun.delete(state.project);
      changed.delete(state.project);
      settled.set(state.project, state.revision);
    }
    if (failed.size > MAX_FAILED) failed.clear();
    // What it holds in memory goes as soon as nothing needs it.
    if (due.length === 0) await pipeline.close();
    return pauseMs;
  };
  /** Last problem that was logged: once is enough. */
  let told: string | undefined;
  while (!signal.aborted) {
    const pauseMs = await look().catch((error: unknown) => {
      const problem = messageOf(error);
      if (!signal.aborted && problem !== told) log.error({ error: problem }, 'no numbers can be fitted to labels now; it is tried again');
      told = problem;
      return AGAIN_MS;
    });
    await wait(pauseMs, undefined, { signal }).catch(() => undefined);
  }
  await pipeline.close();
}

/** Once, all that is due. */
export async function fitOnce(context: FittingContext, projects: readonly string[]): Promise<void> {
  const { storage, settings, signal, log } = context;
  if (!isUseful(settings)) return;
  const pipeline = fittingEngine(settings);
  const failed = new Set<string>();
  try {
    for (const project of projects) {
      const next = async () => fitProject({ context, ...pipeline }, await storage.store.versions.state(project), failed);
      while (!signal.aborted && (await next()) === 'more');
    }
  } catch (error) {
    if (!signal.aborted) log.error({ error: messageOf(error) }, 'no numbers can be fitted to labels now');
  } finally {
    await pipeline.close();
  }
}

/** An engine that is opened when it is asked for, as the service opens its own: what it does or lacks concerns no training. */
function fittingEngine({ model, device, threads, featureBytes, cacheBytes, workDir }: LearnerSettings) {
  let baseModel: Promise<string> | undefined;
  let opened: Promise<Engine> | undefined;
  return {
    baseModel: () => (baseModel ??= openModel(modelFolder(model)).then(({ id }) => id)),
    engine: () =>
      (opened ??= createEngine({
        ...{ model, device: device as Device | 'auto', threads: threads === 0 ? 'auto' : threads, priority: 'low' },
        ...{ cacheBytes: featureBytes, cacheDir: runFiles(workDir, '').features, cacheDirBytes: cacheBytes },
      })),
    async close() {
      const closing = opened;
      opened = undefined;
      await closing?.then((engine) => engine.close()).catch(() => undefined);
    },
  };
}
