/** Store of the learned versions, opened as `prosam serve` is configured. */
import { existsSync } from 'node:fs';
import { openStorage } from '../../storage/open-storage.ts';
import { ProsamError } from '../../core/common/errors.ts';
import type { Storage } from '../../service/ports/storage.ts';
import type { VersionRecord } from '../../service/ports/versions.ts';
import { loadConfig } from '../../server/config.ts';
import type { ProsamSettings } from '../../server/config-schema.ts';
import { pick } from '../common/parse.ts';
import type { Values } from '../common/spec.ts';
import type { STORE_OPTIONS } from '../serve/spec.ts';
import { curveLines, versionTable } from './text.ts';

export type StoreValues = Values<typeof STORE_OPTIONS>;

export const MAX_LISTED = 1000;

/** Opens the store for one use. */
export async function withStore<T>(values: StoreValues, use: (storage: Storage, settings: ProsamSettings) => Promise<T>): Promise<T> {
  const settings = await storeSettings(values);
  const { database, objects, storageTimeouts: timeouts } = settings;
  const storage = await openStorage({ database, objects, migrate: false, timeouts });
  try {
    return await use(storage, settings);
  } finally {
    await storage.close();
  }
}

export function storeSettings(values: StoreValues): Promise<ProsamSettings> {
  return loadConfig({
    options: pick(values, 'database', 'objects'),
    ...(values.config !== undefined && { file: values.config }),
  });
}

/** Refuses a SQLite file that is not there; opening it would create it. @throws FILE_NOT_FOUND */
export async function requireStore(values: StoreValues): Promise<void> {
  const { database } = await storeSettings(values);
  if (isFile(database) && !existsSync(database))
    throw new ProsamError('FILE_NOT_FOUND', `expected the database ${database}, but there is no such file. Check --database.`);
}

function isFile(database: string): boolean {
  return !/^postgres(ql)?:/.test(database);
}

export interface LearnedVersions {
  projects: Awaited<ReturnType<Storage['store']['versions']['projects']>>;
  versions: VersionRecord[];
  lines: string[];
}

/** Versions in the store; undefined where there is no store, and none is created. @throws FILE_NOT_FOUND for a database that was named */
export async function learnedVersions(values: StoreValues, project: string | undefined): Promise<LearnedVersions | undefined> {
  const { database } = await storeSettings(values);
  if (values.database === undefined && isFile(database) && !existsSync(database)) return undefined;
  await requireStore(values);
  return withStore(values, async ({ store: { versions: store } }) => {
    const versions = await store.list({ ...(project !== undefined && { project }), limit: MAX_LISTED });
    const projects = (await store.projects()).filter((one) => project === undefined || one.project === project);
    const current = new Map(projects.map((one) => [one.project, one.current]));
    return { projects, versions, lines: [...versionTable(versions, current), ...curveLines(versions)] };
  });
}
