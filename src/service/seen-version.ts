/** The prompt encoder that a label's masks go back to: a version in service that changed none of them leaves the one before in its answers' names. */
import { createLruMap } from '../core/common/lru-map.ts';
import type { Method } from '../core/engine/types.ts';
import { chooses, type MaskOptions } from './answer-version.ts';
import type { VersionStore } from './ports/versions.ts';
import { BASE } from './serving.ts';

/** The prompt encoders of labels, by label; of a label that is not in it the one in service. */
export type SeenVersions = (asked: {
  /** Prompt encoder in service: id of a version, or 'base'. */
  encoderVersion: string;
  method: Method | 'auto';
  options: MaskOptions | undefined;
  labels: readonly string[];
}) => Promise<ReadonlyMap<string, string>>;

/** Versions are immutable; this bounds their number. */
const MAX_KEPT = 1000;
/** Versions gone back through; further back it counts as changed. */
const MAX_STEPS = 100;

interface Facts {
  parent: string;
  baseModel: string;
  /** Method whose masks were compared. */
  method: unknown;
  /** Labels none of whose held-out masks changed visibly. */
  untouched: ReadonlySet<string>;
}

/**
 * Facts of the learner's gate decide: the fingerprint stays for labels whose held-out masks a version left as they were, by the very method
 * that is asked and with nothing else said about how to draw. A label that was not measured counts as changed.
 */
export function createSeenVersions(versions: Pick<VersionStore, 'get'>): SeenVersions {
  const kept = createLruMap<string, Facts>({ max: MAX_KEPT });
  const factsOf = async (id: string): Promise<Facts | undefined> => {
    const known = kept.get(id);
    if (known) return known;
    const record = await versions.get(id);
    if (record === undefined) return undefined;
    const facts = { parent: record.parent ?? BASE, baseModel: record.baseModel, ...gateFacts(record.metrics) };
    kept.set(id, facts);
    return facts;
  };
  return async ({ encoderVersion, method, options, labels }) => {
    const found = new Map<string, string>();
    if (encoderVersion === BASE || chooses(options)) return found;
    for (const label of labels) {
      let version = encoderVersion;
      for (let step = 0; step < MAX_STEPS && version !== BASE; step++) {
        const facts = await factsOf(version);
        if (facts === undefined || facts.method !== method || !facts.untouched.has(label)) break;
        // Measured against the model's own prompt encoder, for its parent could not answer.
        if (facts.parent !== BASE && (await factsOf(facts.parent))?.baseModel !== facts.baseModel) break;
        version = facts.parent;
      }
      if (version !== encoderVersion) found.set(label, version);
    }
    return found;
  };
}

/** Metrics are anybody's JSON: what is not as the learner writes it says nothing. */
function gateFacts(metrics: unknown): Pick<Facts, 'method' | 'untouched'> {
  const { method, labels } = ((metrics as { gate?: unknown } | null)?.gate ?? {}) as { method?: unknown; labels?: unknown };
  const untouched = new Set<string>();
  for (const row of Array.isArray(labels) ? (labels as unknown[]) : []) {
    const { label, changed } = (row ?? {}) as { label?: unknown; changed?: unknown };
    if (typeof label === 'string' && changed === false) untouched.add(label);
  }
  return { method, untouched };
}
