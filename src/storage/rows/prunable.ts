/** The rows of each kind that rules let go, as queries with the columns key, project and bytes. */
import { sql, type RawBuilder } from 'kysely';
import type { PrunedKind, PruneRules } from '../../service/ports/upkeep.ts';

export interface Prunable {
  key: string;
  project: string;
  bytes: number;
}

type Query = RawBuilder<Prunable>;

const DAY_MS = 86_400_000;

/** undefined: the rules name no time for this kind, so all of them stay. */
export function prunableRows(kind: PrunedKind, rules: PruneRules): Query | undefined {
  const { nowMs, beforeMs, keep } = rules;
  if (kind === 'signatures')
    return sql`select signature as key, '' as project, length(signature) as bytes from used_signatures where keep_until_ms < ${nowMs}`;
  if (kind === 'images') return prunableImages(rules);
  const before = beforeMs[kind];
  if (before === undefined) return undefined;
  const keepOf = { runs: Math.max(1, keep.runs), versions: Math.max(1, keep.versions) };
  return QUERIES[kind](before, keepOf);
}

const QUERIES: Record<
  Exclude<PrunedKind, 'signatures' | 'images'>,
  (before: number, keep: Pick<PruneRules['keep'], 'runs' | 'versions'>) => Query
> = {
  predictions: (before) => sql`select id as key, project, length(masks) as bytes from predictions where created_ms < ${before}`,
  jobs: (before) => sql`
    select id as key, project, length(coalesce(request, '')) + coalesce((
      select sum(length(coalesce(input, '')) + length(coalesce(result, ''))) from batch_items where batch = batches.id), 0) as bytes
    from batches where ended_ms < ${before}`,
  deliveries: (before) => sql`
    select id as key, project, length(url) + length(coalesce(body, '')) as bytes
    from deliveries where state <> 'waiting' and created_ms < ${before}`,
  // What the newest run that learned something has seen tells the learner what is new.
  runs: (before, { runs }) => sql`
    select id as key, project, length(coalesce(progress, '')) + length(coalesce(reason, '')) as bytes
    from (select runs.*, row_number() over (partition by project order by started_ms desc, id) as place from runs) as ranked
    where place > ${runs} and state <> 'running' and ended_ms < ${before} and not exists (
      select 1 from (select project as of_project, max(up_to) as newest from runs where state in ('promoted', 'rejected') group by project) as learned
      where of_project = ranked.project and newest = ranked.up_to)`,
  versions: (before, { versions }) => sql`
    select id as key, project, length(data) + length(reason) + length(coalesce(metrics, '')) as bytes
    from (select versions.*, row_number() over (partition by project order by number desc) as place from versions) as ranked
    where place > ${versions} and created_ms < ${before}
      and not exists (select 1 from projects where current_version = ranked.id)
      and not exists (
        select 1 from projects join versions as live on live.id = projects.current_version where live.parent = ranked.id)
      and not exists (select 1 from runs where runs.project = ranked.project and state = 'running')
      and not exists (
        select 1 from (
          select from_version, to_version, row_number() over (partition by project order by id desc) as place from pointer_changes) as served
        where served.place <= ${versions} and (from_version = ranked.id or to_version = ranked.id))`,
};

/** Beyond the newest of their project those go, too, that were neither sent nor predicted within a day: work on them may be under way. */
function prunableImages({ nowMs, beforeMs, keep }: PruneRules): Query | undefined {
  if (beforeMs.images === undefined && keep.images === undefined) return undefined;
  const old = beforeMs.images ?? 0;
  const [newest, beyond] = keep.images === undefined ? [0, old] : [keep.images, Math.max(old, nowMs - DAY_MS)];
  return sql`
    select sha256 as key, project, 0 as bytes from (
      select images.*, case when row_number() over (partition by project order by created_ms desc, sha256) > ${newest}
        then cast(${beyond} as bigint) else cast(${old} as bigint) end as before_ms
      from images where annotated = 0 and split is null
        and not exists (select 1 from annotations where annotations.sha256 = images.sha256 and annotations.project = images.project)
        and not exists (select 1 from batches where batches.project = images.project and ended_ms is null)) as free
    where created_ms < before_ms and not exists (
      select 1 from predictions
      where predictions.project = free.project and predictions.sha256 = free.sha256 and predictions.created_ms >= before_ms)`;
}
