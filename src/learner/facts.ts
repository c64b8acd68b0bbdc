/** Reads the facts a decision needs from the store: few short queries, however many annotations there are. */
import { EVIDENCE_WEIGHTS } from '../service/ports/provenance.ts';
import type { LearnerFacts, LearnerPolicy } from './policy.ts';
import type { Store } from '../service/ports/storage.ts';
import type { RunRecord } from '../service/ports/versions.ts';

/** Runs looked back at. */
const RUNS = 50;
const PAGE = 200;

export type FactsStore = {
  annotations: Pick<Store['annotations'], 'list' | 'concepts'>;
  images: Pick<Store['images'], 'counts'>;
  runs: Pick<Store['runs'], 'list'>;
};

/** nowMs: runs that began later than that were noted before somebody corrected the clock; they are older than all others. */
export async function learnerFacts(
  store: FactsStore,
  project: string,
  { minNewMasks }: LearnerPolicy,
  nowMs: number = Date.now(),
): Promise<LearnerFacts> {
  const listed = await store.runs.list({ project, limit: RUNS });
  const isFuture = ({ startedMs }: RunRecord): boolean => startedMs > nowMs;
  const runs = [...listed.filter((run) => !isFuture(run)), ...listed.filter(isFuture)];
  const concepts = await store.annotations.concepts(project);
  const { annotated } = await store.images.counts(project);
  const running = runs.find(({ state }) => state === 'running');
  const ended = runs.filter(({ state }) => state !== 'running');
  const lastEndMs = ended[0]?.endedMs;
  const learned = ended.findIndex(({ state }) => state !== 'failed');
  return {
    ...(await newMasks(store, project, learnedUpTo(runs), minNewMasks)),
    images: annotated,
    largestLabel: Math.max(0, ...concepts.map(({ masks }) => masks)),
    failures: learned === -1 ? ended.length : learned,
    ...(running && { running: runningOf(running) }),
    ...(lastEndMs !== undefined && lastEndMs <= nowMs && { lastEndMs }),
  };
}

/** Largest annotation sequence that a run has learned from to the end; -1: none has. A failed run has learned nothing. */
export function learnedUpTo(runs: readonly Pick<RunRecord, 'state' | 'upTo'>[]): number {
  return Math.max(-1, ...runs.filter(({ state }) => state === 'promoted' || state === 'rejected').map(({ upTo }) => upTo));
}

function runningOf({ id, leaseUntilMs }: RunRecord): NonNullable<LearnerFacts['running']> {
  return { id, ...(leaseUntilMs !== undefined && { leaseUntilMs }) };
}

/** Newest first, until what is known already or until there are enough. */
async function newMasks(
  store: FactsStore,
  project: string,
  upTo: number,
  enough: number,
): Promise<Pick<LearnerFacts, 'newWeight' | 'newMasks'>> {
  let [newWeight, count] = [0, 0];
  let before: number | undefined;
  for (;;) {
    const page = await store.annotations.list(project, { limit: PAGE, ...(before !== undefined && { before }) });
    for (const { sequence, provenance, labels } of page) {
      if (sequence <= upTo || newWeight >= enough) return { newWeight, newMasks: count };
      newWeight += EVIDENCE_WEIGHTS[provenance] * labels.length;
      if (provenance !== 'rejected') count += labels.length;
    }
    const last = page.at(-1);
    if (last === undefined || page.length < PAGE) return { newWeight, newMasks: count };
    before = last.sequence;
  }
}
