/** The tables, as both databases have them: flags are 0 or 1, JSON is text, times are milliseconds since 1970. */
import { sql, type Generated, type Kysely, type Transaction } from 'kysely';
import type { Provenance } from '../../service/ports/storage.ts';

type Flag = 0 | 1;

export interface Tables {
  /** images, annotated: what could be counted in images, kept up to date with every change. */
  projects: { project: string; revision: number; current_version: string | null; images: Generated<number>; annotated: Generated<number> };
  /** uncertainty, presence, gain: -1 before the first prediction, so that one index ranks them all. */
  images: {
    project: string;
    sha256: string;
    width: number;
    height: number;
    external_id: string | null;
    created_ms: number;
    annotated: Flag;
    uncertainty: number;
    presence: number;
    gain: number;
    split: 'train' | 'gate' | null;
  };
  /** One row a revision; active: the one that counts. content: hash of what was stored. */
  annotations: {
    sequence: Generated<number>;
    project: string;
    source: string;
    external_id: string;
    revision: number;
    sha256: string;
    provenance: Provenance;
    flagged: Flag;
    annotator: string | null;
    prediction_version: string | null;
    created_ms: number;
    content: string;
    active: Flag;
  };
  /** Revisions up to this one count for nothing. */
  tombstones: { project: string; source: string; external_id: string; up_to: number };
  /** preference: larger is the better reference. */
  masks: {
    id: Generated<number>;
    sequence: number;
    project: string;
    label: string;
    sha256: string;
    height: number;
    width: number;
    counts: string;
    area: number;
    provenance: Provenance;
    flagged: Flag;
    preference: number;
    created_ms: number;
    active: Flag;
    feature: Uint8Array | null;
  };
  /** Labels an image does not show, as its annotation says. */
  absences: { id: Generated<number>; sequence: number; project: string; label: string; sha256: string; created_ms: number; active: Flag };
  /** Images that were erased; settled: their bytes are gone, too. */
  erasures: { id: Generated<number>; project: string; sha256: string; erased_ms: number; settled: Flag };
  /** Active masks per label, kept up to date with every change. */
  concepts: { project: string; label: string; masks: number; newest: number };
  /** Numbers fitted to a label (JSON), and the ids of the masks they rest on. */
  fits: {
    project: string;
    label: string;
    model: string;
    data: string;
    learned_from: string;
    fitted: string;
    fitted_ms: number;
  };
  predictions: { id: Generated<number>; project: string; sha256: string; version: string; created_ms: number; masks: string };
  versions: {
    id: string;
    project: string;
    number: number;
    parent: string | null;
    run_id: string;
    weights: string;
    model: string;
    data: string;
    seed: number;
    code: string;
    created_ms: number;
    outcome: 'promoted' | 'rejected';
    reason: string;
    metrics: string | null;
  };
  pointer_changes: {
    id: Generated<number>;
    project: string;
    from_version: string | null;
    to_version: string | null;
    reason: string;
    created_ms: number;
  };
  runs: {
    id: string;
    project: string;
    state: 'running' | 'promoted' | 'rejected' | 'failed';
    holder: string | null;
    lease_until_ms: number | null;
    up_to: number;
    started_ms: number;
    ended_ms: number | null;
    attempts: number;
    progress: string | null;
    reason: string | null;
    version: string | null;
  };
  batches: {
    id: string;
    project: string;
    created_ms: number;
    ended_ms: number | null;
    request: string | null;
    total: number;
    done: number;
    failed: number;
    cancelled: Flag;
  };
  batch_items: { batch: string; position: number; input: string | null; state: 'waiting' | 'done' | 'failed'; result: string | null };
  used_signatures: { signature: string; keep_until_ms: number };
  deliveries: {
    id: string;
    project: string;
    url: string;
    body: string | null;
    state: 'waiting' | 'delivered' | 'dead';
    attempts: number;
    created_ms: number;
    last_error: string | null;
  };
  /** Messages where no other queue is at hand. due_ms: not before; while one is handled, when others may have it. */
  messages: {
    id: Generated<number>;
    name: string;
    key: string | null;
    data: string | null;
    state: 'waiting' | 'tried' | 'dead';
    due_ms: number;
    attempts: number;
    created_ms: number;
    last_error: string | null;
  };
  /** Work that must not overlap, in whichever process. */
  leases: { name: string; holder: string; until_ms: number };
  migrations: { version: number; name: string; applied_ms: number };
}

export type Connection = Kysely<Tables>;
export type Change = Transaction<Tables>;

export const flag = (value: boolean | undefined): Flag => (value === true ? 1 : 0);

/** Written into the statement, not sent beside it: only so do databases see that an index of active rows will do. */
export const ACTIVE = sql.lit<1>(1);

/** undefined, which JSON lacks, becomes null. */
export const toJson = (value: unknown): string | null => (value === undefined ? null : JSON.stringify(value));
export const fromJson = (text: string | null): unknown => (text === null ? undefined : (JSON.parse(text) as unknown));
