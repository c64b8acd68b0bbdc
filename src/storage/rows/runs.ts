/** Training runs: one holder at a time, by a lease that anybody may take over once it is over. */
import { isHeld, type RunRecord, type RunStore, type VersionRecord } from '../../service/ports/versions.ts';
import { storableText } from '../../core/common/limits.ts';
import { changing, type Room } from '../schema/database.ts';
import { lockProject, projectLock, type Project } from './projects.ts';
import { countRemoved } from './removed-masks.ts';
import { fromJson, toJson, type Change, type Tables } from '../schema/schema.ts';
import { addVersion, movePointer } from './versions.ts';

type Claim = Parameters<RunStore['claim']>[2];
type Result = Parameters<RunStore['finish']>[2];

export function runStore(room: Room): RunStore {
  const { connection } = room;
  return {
    claim: (project, holder, options) =>
      changing(room, { locks: projectLock(project) }, (change) => claim(change, project, holder, options)),
    /** Also after the lease is over, as long as nobody has taken the run: the work done is not lost for being slow. */
    async renew(id, holder, { leaseMs, nowMs, progress }) {
      const renewed = await connection
        .updateTable('runs')
        .set({ lease_until_ms: nowMs + leaseMs, ...(progress !== undefined && { progress: toJson(progress) }) })
        .where('id', '=', id)
        .where('holder', '=', holder)
        .where('state', '=', 'running')
        .executeTakeFirstOrThrow();
      return renewed.numUpdatedRows > 0n;
    },
    async release(id, holder) {
      await connection
        .updateTable('runs')
        .set({ holder: null, lease_until_ms: null })
        .where('id', '=', id)
        .where('holder', '=', holder)
        .where('state', '=', 'running')
        .execute();
    },
    finish: (id, holder, result) => changing(room, {}, (change) => finish(change, id, holder, result)),
    async get(id) {
      const row = await connection.selectFrom('runs').selectAll().where('id', '=', id).executeTakeFirst();
      return row && runOf(row);
    },
    async list({ project, limit }) {
      const all = connection.selectFrom('runs').selectAll().orderBy('started_ms', 'desc').orderBy('id').limit(limit);
      return (await (project === undefined ? all : all.where('project', '=', project)).execute()).map(runOf);
    },
  };
}

async function claim(change: Change, project: string, holder: string, { id, upTo, leaseMs, nowMs }: Claim): Promise<RunRecord | undefined> {
  await lockProject(change, project);
  const lease = { holder, lease_until_ms: nowMs + leaseMs };
  const running = await change
    .selectFrom('runs')
    .selectAll()
    .where('project', '=', project)
    .where('state', '=', 'running')
    .executeTakeFirst();
  if (running === undefined) {
    const row = await change
      .insertInto('runs')
      .values({ id, project, state: 'running', ...lease, up_to: upTo, started_ms: nowMs, attempts: 1 })
      .returningAll()
      .executeTakeFirstOrThrow();
    return runOf(row);
  }
  if (running.holder !== null && running.holder !== holder && isHeld(runOf(running), nowMs)) return undefined;
  const row = await change
    .updateTable('runs')
    .set({ ...lease, attempts: running.attempts + 1 })
    .where('id', '=', running.id)
    .returningAll()
    .executeTakeFirstOrThrow();
  return runOf(row);
}

async function finish(change: Change, id: string, holder: string, result: Result): Promise<boolean> {
  const { nowMs, learnedFrom = [] } = result;
  const known = await change.selectFrom('runs').select('project').where('id', '=', id).executeTakeFirst();
  if (known === undefined) return false;
  const project = await lockProject(change, known.project);
  // Asked again now that nobody can change it: another holder may have finished it in between.
  const held = await change
    .selectFrom('runs')
    .select('id')
    .where('id', '=', id)
    .where('holder', '=', holder)
    .where('state', '=', 'running')
    .executeTakeFirst();
  if (held === undefined) return false;
  const removed = result.version === undefined ? 0 : await countRemoved(change, learnedFrom);
  const { state, reason, version } = removed === 0 ? result : discarded(removed, learnedFrom.length);
  const gate = version && gateOf(version, project);
  if (gate) await addVersion(change, { ...gate, project: project.project, runId: id });
  if (gate?.outcome === 'promoted') await movePointer(change, project, gate.id, gate.reason, nowMs);
  const overtaken = gate !== undefined && version?.outcome === 'promoted' && gate.outcome === 'rejected';
  await change
    .updateTable('runs')
    .set({
      ...(overtaken ? { state: 'rejected' as const, reason: storableText(gate.reason) } : { state, reason: storableText(reason) }),
      ...{ version: gate?.id ?? null, ended_ms: nowMs, holder: null, lease_until_ms: null },
    })
    .where('id', '=', id)
    .execute();
  return true;
}

/** Nothing of it is kept: a run of what is left begins anew. */
function discarded(removed: number, all: number): Pick<Result, 'state' | 'reason' | 'version'> {
  return {
    state: 'failed',
    reason: `${removed} of the ${all} masks it learned from were removed meanwhile, so what it learned is discarded`,
  };
}

/** Gate result of a version: one that beat its parent may be worse than the version that has replaced the parent. */
function gateOf(version: Omit<VersionRecord, 'number'>, project: Project): Omit<VersionRecord, 'number'> {
  const current = project.current_version ?? undefined;
  if (version.outcome === 'rejected' || version.parent === current) return version;
  const now = current ?? "the model's own prompt encoder";
  const reason = `better than ${version.parent ?? "the model's own prompt encoder"}, but ${now} was put in service meanwhile: ${version.reason}`;
  return { ...version, outcome: 'rejected', reason };
}

function runOf(row: Tables['runs']): RunRecord {
  return {
    ...{ id: row.id, project: row.project, state: row.state, upTo: row.up_to, startedMs: row.started_ms, attempts: row.attempts },
    ...(row.holder !== null && { holder: row.holder }),
    ...(row.lease_until_ms !== null && { leaseUntilMs: row.lease_until_ms }),
    ...(row.ended_ms !== null && { endedMs: row.ended_ms }),
    ...(row.progress !== null && { progress: fromJson(row.progress) }),
    ...(row.reason !== null && { reason: row.reason }),
    ...(row.version !== null && { encoderVersion: row.version }),
  };
}
