/** Reference masks of each label of a project, kept as long as nothing changes. */
import { createHash } from 'node:crypto';
import { createLruMap } from '../core/common/lru-map.ts';
import { within } from '../core/common/patience.ts';
import { chooseReferences, countEach, MAX_POOL, poolOf, usualCount } from './ports/choose-references.ts';
import type { FitRecord, FitStore } from './ports/fits.ts';
import type { AnnotationStore, MaskRow } from './ports/storage.ts';
import { MAX_RIVAL_IMAGES } from '../core/engine/trust/rivals.ts';
import { PATIENCE_MS, tooSlow } from './patience.ts';
import type { UnreadableImages } from './unreadable-images.ts';

export interface ReferenceSettings {
  /** References of one concept (K), 1 to 20. @default 5; up to 12 where the learner fitted numbers to eight or more */
  count?: number;
  /** Candidates among the best that are compared for diversity, at most 200. @default 4 x count */
  pool?: number;
}

export interface ReferenceSet {
  label: string;
  /** Best first. */
  masks: readonly MaskRow[];
  /** Stands for images and masks: of those that are given, and no others. */
  hash: string;
  /** Numbers that the learner has fitted to the label. */
  fit?: FitRecord;
}

export interface ReferenceSets {
  /** revision: of the project; as long as it stays, so do the sets. */
  labels(project: string, revision: number): Promise<{ label: string; masks: number; newest: number }[]>;
  /** labels: asked for together, which have to share one call of the engine. @default 1 */
  of(project: string, label: string, revision: number, labels?: number): Promise<ReferenceSet>;
  /** Images with masks of that label, of its best and newest 200. */
  images(project: string, label: string, revision: number): Promise<ReadonlySet<string>>;
  /** Hashes of images that show none of the labels, as somebody said of each: at most MAX_WITHOUT, the last said first. */
  without(project: string, labels: readonly string[], revision: number): Promise<readonly string[]>;
  /** Called once vectors of masks of that concept have come to be known. */
  forget(project: string, label: string): void;
}

/** Images without a label: the engine uses no more. */
const MAX_WITHOUT = MAX_RIVAL_IMAGES;
/** Bound on all sets together: a mask has some thousand characters, a detailed one a million. */
const MAX_SET_BYTES = 64 * 2 ** 20;
/** Bytes that a set counts as besides its masks, so that their number is bounded, too. */
const SET_BYTES = 5000;

/** unreadable: images that are no references. fits: numbers that predictions use. @default none, both */
export function createReferenceSets(
  annotations: AnnotationStore,
  settings: ReferenceSettings = {},
  patienceMs: number = PATIENCE_MS,
  unreadable: Pick<UnreadableImages, 'has' | 'version'> = { has: () => false, version: 0 },
  fits?: Pick<FitStore, 'get'>,
): ReferenceSets {
  const kept = createLruMap<string, Kept>({ max: MAX_SET_BYTES, sizeOf: ({ bytes }, key) => SET_BYTES + key.length + bytes });
  const readable = async (project: string, label: string, count: number, limit: number): Promise<MaskRow[]> => {
    const all = await annotations.candidates(project, label, limit);
    const found = all.filter(({ sha256 }) => !unreadable.has(sha256));
    // Where those in front cannot be read, one further back may be.
    if (found.length === all.length || found.length >= count || all.length < limit || limit === MAX_POOL) return found;
    return readable(project, label, count, MAX_POOL);
  };
  const once = <T>(key: string, revision: number | string, read: () => Promise<T>, bytesOf: (value: T) => number): Promise<T> => {
    const known = kept.get(key);
    if (known?.revision === revision) return known.value as Promise<T>;
    const value = within(read(), { ms: patienceMs, late: () => tooSlow(`references ${key}`, patienceMs) });
    const isKept = (): boolean => kept.peek(key)?.value === value;
    kept.set(key, { revision, value, bytes: 0 });
    value.then(
      (read) => isKept() && kept.set(key, { revision, value, bytes: bytesOf(read) }),
      () => isKept() && kept.delete(key),
    );
    return value;
  };
  const keyOf = (project: string, label: string): string => JSON.stringify([project, label]);
  return {
    labels: (project, revision) =>
      once(
        JSON.stringify([project]),
        revision,
        () => annotations.concepts(project),
        (concepts) => 1000 * concepts.length,
      ),
    of: async (project, label, revision, labels = 1) => {
      const read = async () => {
        const fit = await fits?.get(project, label);
        const { count = usualCount(fit?.values.examples), pool = poolOf(count) } = settings;
        const masks = chooseReferences(await readable(project, label, count, pool), count);
        return { masks, count, first: setsOf(label, masks, fit) };
      };
      const { first, count } = await once(keyOf(project, label), `${revision} ${unreadable.version}`, read, ({ masks }) =>
        bytesOfMasks(masks),
      );
      return first(countEach(count, labels));
    },
    images: (project, label, revision) =>
      once(
        JSON.stringify([project, label, 'images']),
        revision,
        async () => new Set((await annotations.candidates(project, label, MAX_POOL)).map(({ sha256 }) => sha256)),
        ({ size }) => HASH_BYTES * size,
      ),
    without: (project, labels, revision) => {
      const asked = labels.toSorted();
      const read = async () => {
        const found = await annotations.imagesWithout(project, asked, 2 * MAX_WITHOUT);
        return found.filter((sha256) => !unreadable.has(sha256)).slice(0, MAX_WITHOUT);
      };
      return once(
        JSON.stringify([project, asked, 'without']),
        `${revision} ${unreadable.version}`,
        read,
        ({ length }) => HASH_BYTES * length,
      );
    },
    forget: (project, label) => void kept.delete(keyOf(project, label)),
  };
}

/** Value kept under a name; its bytes are known once it was read. */
interface Kept {
  revision: number | string;
  value: Promise<unknown>;
  bytes: number;
}

/** A hash in hexadecimal digits, with what holds it. */
const HASH_BYTES = 100;

function bytesOfMasks(masks: readonly MaskRow[]): number {
  const bytes = masks.map(
    ({ rle: { counts }, feature }) => (typeof counts === 'string' ? 1 : 8) * counts.length + (feature?.byteLength ?? 0),
  );
  return bytes.reduce((sum, one) => sum + one, 0);
}

/** The first ones of the masks; a set of the same size is the same one. */
function setsOf(label: string, all: readonly MaskRow[], fit: FitRecord | undefined): (count: number) => ReferenceSet {
  const known = new Map<number, ReferenceSet>();
  return (count) => {
    const masks = all.slice(0, count);
    const found = known.get(masks.length);
    if (found) return found;
    const set = { label, masks, hash: shortHash(masks.map(({ sha256, rle }) => [sha256, rle.counts])), ...(fit && { fit }) };
    known.set(masks.length, set);
    return set;
  };
}

export function shortHash(value: unknown): string {
  return createHash('sha256').update(JSON.stringify(value)).digest('hex').slice(0, 12);
}
