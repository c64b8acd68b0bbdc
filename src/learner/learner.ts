/** The learner itself: looks at every project, runs what is due one at a time, and goes on with what was put aside. */
import { messageOf } from '../core/common/errors.ts';
import type { LearnerSettings } from './settings.ts';
import { considerProject } from './consider-project.ts';
import { keepFitting } from './fitting/fitting.ts';
import { learnerContext, type LearnerOptions } from './context.ts';
import type { LearnerContext, RunOutcome } from './types.ts';
import { tidyEndedRuns } from './run-files.ts';

export interface Learner {
  /** 'memory': the process should be replaced. Rejects where the learner cannot work at all. */
  readonly ended: Promise<'stopped' | 'memory'>;
  /** Puts a run aside after the current step; resolves when everything is handed back. */
  stop(): Promise<void>;
}

/** Name of the messages that ask for a look at a project: `{ project, manual? }`. */
const TRAIN_MESSAGE = 'train';

const LOOK_EVERY_MS = 60_000;
/** A request that comes while another project trains waits this long. */
const ASK_AGAIN_MS = 10_000;
/** A lease that is over may be another clock's. */
const SOON_MS = 250;

/** Messages only make it look sooner: what is due is found in the store, so that no lost or repeated message matters. */
export async function startLearner(
  storage: LearnerContext['storage'],
  settings: LearnerSettings,
  options: LearnerOptions,
): Promise<Learner> {
  const stopping = new AbortController();
  const context = learnerContext(storage, settings, options, stopping.signal);
  const { signal, log, now } = context;
  const wanted = (project: string): boolean => options.projects === undefined || options.projects.includes(project);
  const lookEveryMs = options.lookEveryMs ?? LOOK_EVERY_MS;
  let busy: Busy | undefined;
  let fullOfMemory = false;

  /** Only while nothing else is looked after. */
  const look = async (project: string, manual: boolean): Promise<RunOutcome> => {
    let claim: () => void = () => undefined;
    const claimed = new Promise<void>((resolve) => (claim = resolve));
    const onClaim = (): void => {
      mine.training = true;
      claim();
    };
    const outcome = considerProject(context, project, { ...options, manual, onClaim }).finally(() => (busy = undefined));
    const done = outcome.catch(() => undefined);
    const mine: Busy = { project, training: false, claimed, done };
    busy = mine;
    if ((await outcome).state === 'memory') {
      fullOfMemory = true;
      stopping.abort();
    }
    return outcome;
  };
  /** -> ms until there may be something to do */
  const lookAtAll = async (): Promise<number> => {
    let again = lookEveryMs;
    for (const { project } of await storage.store.versions.projects()) {
      while (busy !== undefined) await busy.done;
      if (signal.aborted || !wanted(project)) continue;
      try {
        const outcome = await look(project, false);
        if (outcome.state === 'held' && outcome.untilMs !== undefined) again = Math.min(again, Math.max(outcome.untilMs - now(), SOON_MS));
      } catch (error) {
        log.error({ project, error: messageOf(error) }, 'the learner could not look after a project; it tries again');
      }
    }
    return again;
  };
  let timer: NodeJS.Timeout | undefined;
  const keepLooking = async (): Promise<void> => {
    const again = await lookAtAll().catch((error: unknown) => {
      log.error({ error: messageOf(error) }, 'the learner could not read the projects; it tries again');
      return lookEveryMs;
    });
    if (!signal.aborted) timer = setTimeout(() => void keepLooking(), again);
  };
  const onMessage = async (data: unknown): Promise<void> => {
    const message = messageOfTraining(data);
    if (message === undefined || !wanted(message.project)) return;
    const { project, manual } = message;
    while (busy !== undefined && !busy.training) await Promise.race([busy.claimed, busy.done]);
    signal.throwIfAborted(); // the message goes back
    if (busy === undefined) {
      const looking = look(project, manual);
      // The run outlives the message, which is done with once the run stands in the store.
      await Promise.race([(busy as unknown as Busy).claimed, looking]);
      looking.catch((error: unknown) => log.error({ project, error: messageOf(error) }, 'a run was put aside; it is tried again'));
      return;
    }
    // What trains already needs no asking, and what else is due the next look finds, but for what somebody asked for.
    if (!manual || busy.project === project) return;
    const delayMs = Math.min(ASK_AGAIN_MS, lookEveryMs);
    await storage.queue.send({ name: TRAIN_MESSAGE, key: JSON.stringify([project, 'manual']), data: { project, manual }, delayMs });
  };

  await tidyEndedRuns(settings.workDir, storage.store.runs);
  const endWork = await storage.queue.work(TRAIN_MESSAGE, onMessage);
  const fitting = keepFitting(context, wanted, lookEveryMs);
  const ended = new Promise<'stopped' | 'memory'>((resolve, reject) => {
    const end = async (): Promise<void> => {
      clearTimeout(timer);
      await endWork();
      await busy?.done;
      await fitting;
      resolve(fullOfMemory ? 'memory' : 'stopped');
    };
    if (signal.aborted) end().catch(reject);
    else signal.addEventListener('abort', () => void end().catch(reject), { once: true });
  });
  ended.catch(() => undefined); // nobody need wait for it
  if (!signal.aborted) void keepLooking();
  return {
    ended,
    async stop() {
      stopping.abort();
      await ended;
    },
  };
}

/** A project that is looked after at the moment. */
interface Busy {
  project: string;
  /** A run of it stands in the store. */
  training: boolean;
  /** Resolves when one does, if ever. */
  claimed: Promise<void>;
  done: Promise<unknown>;
}

function messageOfTraining(data: unknown): { project: string; manual: boolean } | undefined {
  const { project, manual } = (data ?? {}) as { project?: unknown; manual?: unknown };
  return typeof project === 'string' ? { project, manual: manual === true } : undefined;
}
