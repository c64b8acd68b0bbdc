/** `prosam models show, diff, promote, rollback`: learned versions of prompt encoders, and the one that is live. */
import type { Storage } from '../../service/ports/storage.ts';
import type { VersionRecord } from '../../service/ports/versions.ts';
import { rollbackOf } from '../../service/rollback.ts';
import { BASE, notFound } from '../../service/serving.ts';
import { EXIT, UsageError, type Run, type Terminal } from '../common/command.ts';
import { parseCommand } from '../common/parse.ts';
import { differenceOf } from './diff.ts';
import { MODELS_DIFF, MODELS_PROMOTE, MODELS_ROLLBACK, MODELS_SHOW } from './spec.ts';
import { MAX_LISTED, withStore } from './store.ts';
import { versionLines } from './text.ts';

export const showVersion: Run = (args, terminal) => {
  const { values, positionals } = parseCommand(MODELS_SHOW, args);
  const [id] = positionals as [string];
  return withStore(values, async (storage) => {
    const version = await versionOf(storage, id);
    const changes = await storage.store.versions.history(version.project, MAX_LISTED);
    const history = changes.filter(({ from, to }) => from === id || to === id);
    const { current } = await storage.store.versions.state(version.project);
    return printed(terminal, values.json, {
      lines: versionLines(version, current === id, history),
      document: { ...version, inService: current === id, history },
    });
  });
};

export const diffVersions: Run = (args, terminal) => {
  const { values, positionals } = parseCommand(MODELS_DIFF, args);
  const [one, other] = positionals as [string, string];
  return withStore(values, async (storage, { model }) => printed(terminal, values.json, await differenceOf(storage, one, other, model)));
};

export const promoteVersion: Run = (args, terminal) => {
  const { values, positionals } = parseCommand(MODELS_PROMOTE, args);
  const [id] = positionals as [string];
  return withStore(values, async (storage) => {
    const project = values.project ?? (id === BASE ? undefined : (await versionOf(storage, id)).project);
    if (project === undefined) throw new UsageError(`models promote ${BASE}: expected --project, got none.`);
    await storage.store.versions.promote(project, id === BASE ? undefined : id, values.reason, Date.now());
    return printed(terminal, values.json, { lines: [`${project}: ${id} is in service`], document: { project, current: id } });
  });
};

export const rollbackVersion: Run = (args, terminal) => {
  const { values } = parseCommand(MODELS_ROLLBACK, args);
  const { project, reason } = values;
  return withStore(values, async ({ store }) => {
    const { current = BASE } = await rollbackOf(store.versions, project, reason, { nowMs: Date.now() });
    return printed(terminal, values.json, { lines: [`${project}: ${current} is in service again`], document: { project, current } });
  });
};

function printed({ print }: Terminal, json: boolean, { lines, document }: { lines: readonly string[]; document: unknown }): number {
  print(json ? JSON.stringify(document, null, 2) : lines.join('\n'));
  return EXIT.ok;
}

async function versionOf({ store }: Storage, id: string): Promise<VersionRecord> {
  const found = await store.versions.get(id);
  if (found === undefined) throw notFound(id);
  return found;
}
