/** `prosam models show, diff, promote, rollback`: versions of prompt encoders that were learned, and which one is in service. */
import { existsSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { openStorage } from '../../storage/open-storage.ts';
import { ProsamError } from '../../core/common/errors.ts';
import type { Storage } from '../../service/ports/storage.ts';
import type { VersionRecord } from '../../service/ports/versions.ts';
import { loadConfig } from '../../server/config.ts';
import type { ProsamSettings } from '../../server/config-schema.ts';
import { BASE, notFound } from '../../service/serving.ts';
import { rollbackOf } from '../../service/rollback.ts';
import { differenceOf } from './diff.ts';
import { versionLines, versionTable } from './text.ts';
import type { Terminal } from '../common/terminal.ts';
import { EXIT, UsageError } from '../common/usage.ts';

const MOST_LISTED = 1000;

const text = { type: 'string' } as const;
/** Which store, as for prosam serve. */
export const STORE_OPTIONS = { project: text, database: text, objects: text, config: text } as const;
export type StoreValues = Partial<Record<keyof typeof STORE_OPTIONS, string>>;

/** -> exit code */
export async function versionsCommand(action: string, args: readonly string[], { print }: Terminal): Promise<number> {
  const { values, positionals: ids } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: { ...STORE_OPTIONS, reason: text, json: { type: 'boolean' } },
  });
  const run = ACTIONS[action] as Action;
  if (ids.length !== run.ids)
    throw new UsageError(`models ${action}: expected ${run.ids} id${run.ids === 1 ? '' : 's'}, got ${ids.length}.`);
  const settings = await storeSettings(values);
  const storage = await openStorage({
    ...{ database: settings.database, objects: settings.objects, migrate: false },
    timeouts: settings.storageTimeouts,
  });
  try {
    const { lines, document } = await run.act(storage, ids, { project: values.project, reason: values.reason, model: settings.model });
    print(values.json === true ? JSON.stringify(document, null, 2) : lines.join('\n'));
    return EXIT.ok;
  } finally {
    await storage.close();
  }
}

function storeSettings(values: StoreValues): Promise<ProsamSettings> {
  return loadConfig({
    options: {
      ...(values.database !== undefined && { database: values.database }),
      ...(values.objects !== undefined && { objects: values.objects }),
    },
    ...(values.config !== undefined && { file: values.config }),
  });
}

export interface LearnedVersions {
  projects: Awaited<ReturnType<Storage['store']['versions']['projects']>>;
  versions: VersionRecord[];
  lines: string[];
}

/** Versions in the store. undefined: there is none, and looking makes none; where one was asked for by name that is an error. */
export async function learnedVersions(values: StoreValues): Promise<LearnedVersions | undefined> {
  const { database, objects, storageTimeouts: timeouts } = await storeSettings(values);
  const inFile = !/^postgres(ql)?:/.test(database);
  if (inFile && !existsSync(database)) {
    if (values.database === undefined) return undefined;
    throw new ProsamError('FILE_NOT_FOUND', `expected the database ${database}, but there is no such file. Check --database.`);
  }
  const { project } = values;
  const storage = await openStorage({ database, objects, migrate: false, timeouts });
  try {
    const { versions: store } = storage.store;
    const versions = await store.list({ ...(project !== undefined && { project }), limit: MOST_LISTED });
    const projects = (await store.projects()).filter((one) => project === undefined || one.project === project);
    const current = new Map(projects.map((one) => [one.project, one.current]));
    return { projects, versions, lines: versionTable(versions, current) };
  } finally {
    await storage.close();
  }
}

interface Asked {
  project: string | undefined;
  reason: string | undefined;
  model: string;
}

interface Answer {
  lines: string[];
  document: unknown;
}

interface Action {
  ids: number;
  act(storage: Storage, ids: readonly string[], asked: Asked): Promise<Answer>;
}

const ACTIONS: Record<string, Action> = {
  show: {
    ids: 1,
    async act(storage, [id = '']) {
      const version = await versionOf(storage, id);
      const history = (await storage.store.versions.history(version.project, MOST_LISTED)).filter(
        ({ from, to }) => from === id || to === id,
      );
      const { current } = await storage.store.versions.state(version.project);
      return { lines: versionLines(version, current === id, history), document: { ...version, inService: current === id, history } };
    },
  },
  diff: {
    ids: 2,
    act: (storage, [one = '', other = ''], { model }) => differenceOf(storage, one, other, model),
  },
  promote: {
    ids: 1,
    async act(storage, [id = ''], { project, reason = 'by hand' }) {
      const where = project ?? (id === BASE ? undefined : (await versionOf(storage, id)).project);
      if (where === undefined) throw new UsageError(`models promote ${BASE}: expected --project.`);
      await storage.store.versions.promote(where, id === BASE ? undefined : id, reason, Date.now());
      return { lines: [`${where}: ${id} is in service`], document: { project: where, current: id } };
    },
  },
  rollback: {
    ids: 0,
    async act({ store }, _, { project, reason = 'by hand' }) {
      if (project === undefined) throw new UsageError('models rollback: expected --project.');
      const { current = BASE } = await rollbackOf(store.versions, project, reason, Date.now());
      return { lines: [`${project}: ${current} is in service again`], document: { project, current } };
    },
  },
};

async function versionOf({ store }: Storage, id: string): Promise<VersionRecord> {
  const found = await store.versions.get(id);
  if (found === undefined) throw notFound(id);
  return found;
}
