/** Upkeep after answers: the version a project shows scores of, and predictions of earlier versions that nobody used. */
import type { ApiProject } from '../api/types.ts';
import type { LabelStudioClient } from '../api/client.ts';
import type { Connection } from '../types.ts';
import { deleteOutdated } from './outdated.ts';
import { showVersion, type ShownVersionParts } from './shown-version.ts';

export interface UpkeepParts extends Pick<ShownVersionParts, 'isOwn' | 'passwordOf'> {
  client: (connection: Connection) => LabelStudioClient;
  /** The project, known to be the one that is meant. @throws LABEL_STUDIO_* */
  confirm: (connection: Connection) => Promise<ApiProject>;
  /** Runs work in the background and reports its failure. */
  run: (what: string, connection: Connection, work: () => Promise<void>) => void;
  /** Leaves predictions of earlier versions. */
  keepOutdated: boolean;
  /** Label Studio stores an answer after it has come. */
  settleMs: number;
  signal: AbortSignal;
}

export interface Upkeep {
  /** Called once predictions of a version were handed over. tasks: those with predictions of earlier versions. */
  answered(connection: Connection, version: string, tasks: readonly (number | string)[]): void;
}

interface Due {
  connection: Connection;
  version: string;
  tasks: Set<string>;
  /** Looks after which tasks still had no new prediction. */
  tries: number;
  timer: NodeJS.Timeout | undefined;
}

/** Tasks remembered of one project; more are found by `prosam label-studio tidy`. */
const MAX_TASKS = 10_000;
/** A batch that is answered late is looked at again after 2, 4, 8 ... times the first wait. */
const MAX_TRIES = 8;

export function createUpkeep({ client, confirm, run, keepOutdated, settleMs, signal, ...shown }: UpkeepParts): Upkeep {
  const due = new Map<string, Due>();

  const look = (key: string): void => {
    const now = due.get(key);
    if (now === undefined || signal.aborted) return;
    due.delete(key);
    const { connection, version, tasks, tries } = now;
    run('the version is not shown, or earlier predictions are not removed', connection, async () => {
      const project = await confirm(connection);
      const there = client(connection);
      await showVersion({ ...shown, client: there, project, version, signal });
      if (keepOutdated || tasks.size === 0) return;
      const { waiting } = await deleteOutdated(there, { projectId: project.id, version, tasks, signal });
      if (waiting.size > 0 && tries < MAX_TRIES) schedule(connection, version, waiting, tries + 1);
    });
  };
  const schedule = (connection: Connection, version: string, tasks: Iterable<string>, tries = 0): void => {
    const key = connection.project;
    const before = due.get(key);
    const wanted: Due = before ?? { connection, version, tasks: new Set(), tries, timer: undefined };
    // What came newest is in service; a look repeated for older answers does not take it back.
    if (tries === 0) Object.assign(wanted, { connection, version, tries });
    for (const task of tasks) if (wanted.tasks.size < MAX_TASKS) wanted.tasks.add(task);
    wanted.timer ??= setTimeout(() => look(key), settleMs * 2 ** wanted.tries).unref();
    due.set(key, wanted);
  };
  signal.addEventListener('abort', () => {
    for (const { timer } of due.values()) clearTimeout(timer);
    due.clear();
  });
  return {
    answered(connection, version, tasks) {
      if (!signal.aborted && connection.hostname !== '') schedule(connection, version, tasks.map(String));
    },
  };
}
