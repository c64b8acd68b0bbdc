/** `prosam models`: versions of prompt encoders that were learned, and which one is in service. */
import { parseArgs } from 'node:util';
import { openStorage } from '../adapters/storage/open-storage.ts';
import type { Storage } from '../core/storage-ports.ts';
import type { VersionRecord } from '../core/version-ports.ts';
import { loadConfig } from '../prosam/config.ts';
import { BASE, notFound } from '../service/serving.ts';
import { rollbackOf } from '../service/rollback.ts';
import { differenceOf } from './models-diff.ts';
import { versionLines, versionTable } from './models-text.ts';
import type { Terminal } from './terminal.ts';
import { EXIT, UsageError } from './usage.ts';

export const MODELS_HELP = `prosam models: versions that were learned, and which one is in service

  prosam models list [--project P]
  prosam models show ID
  prosam models diff ID OTHER          figures side by side, and what moved in the weights ("${BASE}": the model's own)
  prosam models promote ID --project P [--reason TEXT]
  prosam models rollback --project P [--reason TEXT]

Works on the store, whether or not a service runs; running ones take the change over within a second or two.

  --database URL  --objects URL  --config FILE    as for prosam serve
  --json          one JSON document on stdout

Exit code: 0 done, 2 not done.

Examples:
  prosam models list --project cups
  prosam models diff ${BASE} v-3f1c0a9b7d21 --project cups
  prosam models rollback --project cups --reason "handles are missing"
`;

const MOST_LISTED = 1000;

/** -> exit code */
export async function modelsCommand(args: readonly string[], { print }: Terminal): Promise<number> {
  const text = { type: 'string' } as const;
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: { project: text, reason: text, database: text, objects: text, config: text, json: { type: 'boolean' } },
  });
  const [action, ...ids] = positionals;
  const run = ACTIONS[action ?? ''];
  if (run === undefined) throw new UsageError(`models: wanted one of ${Object.keys(ACTIONS).join(', ')}, got ${action ?? 'nothing'}.`);
  if (ids.length !== run.ids) throw new UsageError(`models ${action}: wanted ${run.ids} id${run.ids === 1 ? '' : 's'}, got ${ids.length}.`);
  const settings = await loadConfig({
    options: {
      ...(values.database !== undefined && { database: values.database }),
      ...(values.objects !== undefined && { objects: values.objects }),
    },
    ...(values.config !== undefined && { file: values.config }),
  });
  const storage = await openStorage({ database: settings.database, objects: settings.objects, migrate: false });
  try {
    const { lines, document } = await run.act(storage, ids, { project: values.project, reason: values.reason, model: settings.model });
    print(values.json === true ? JSON.stringify(document, null, 2) : lines.join('\n'));
    return EXIT.ok;
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
  list: {
    ids: 0,
    async act({ store }, _, { project }) {
      const versions = await store.versions.list({ ...(project !== undefined && { project }), limit: MOST_LISTED });
      const projects = (await store.versions.projects()).filter((one) => project === undefined || one.project === project);
      const current = new Map(projects.map((one) => [one.project, one.current]));
      return { lines: versionTable(versions, current), document: { projects, versions } };
    },
  },
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
      if (where === undefined) throw new UsageError(`models promote ${BASE}: wanted --project.`);
      await storage.store.versions.promote(where, id === BASE ? undefined : id, reason, Date.now());
      return { lines: [`${where}: ${id} is in service`], document: { project: where, current: id } };
    },
  },
  rollback: {
    ids: 0,
    async act({ store }, _, { project, reason = 'by hand' }) {
      if (project === undefined) throw new UsageError('models rollback: wanted --project.');
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
