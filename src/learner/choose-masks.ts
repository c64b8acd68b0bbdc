/** Choice of a run's masks: one per image and label, of labels that can be learned, within a bound. */
import { createHash } from 'node:crypto';
import { countsBefore } from '../service/ports/provenance.ts';
import type { MaskRow, Store } from '../service/ports/storage.ts';
import { assignSplits, type Split, type SplitImage } from './split.ts';
import { askedWith, type AskedWith } from './asked-with.ts';
import { groupedBy } from '../core/common/grouped.ts';
import { absencesOf, chooseAbsences, type AbsenceStore } from './choose-absences.ts';
import type { SnapshotAbsence, SnapshotMask } from './snapshot.ts';

const PAGE = 1000;
/** Class ids of a label map. */
const MAX_LABELS = 254;
const NAMED_LABELS = 5;

export interface ChoiceOptions {
  /** Largest annotation sequence that counts. */
  upTo: number;
  /** Largest one that an earlier run has learned from. */
  learnedUpTo: number;
  gateShare: number;
  maxMasks: number;
  gatePairs: number;
  /** References of a label. @default as many as a service chooses */
  references?: number | undefined;
  seed: number;
}

export interface Choice extends AskedWith {
  masks: SnapshotMask[];
  absences: SnapshotAbsence[];
  notes: string[];
}

/** Parts of the store that are read, and the sides that are written. */
export interface ChoiceStore extends AbsenceStore {
  annotations: Pick<Store['annotations'], 'masks' | 'candidates' | 'absences' | 'imagesWithout'>;
  images: Pick<Store['images'], 'assignSplit' | 'get'>;
  fits: Pick<Store['fits'], 'get'>;
}

/** A mask without its pixels: all of a project's fit in memory. */
type MaskFacts = Pick<MaskRow, 'id' | 'label' | 'sha256' | 'provenance' | 'flagged' | 'sequence'> & { split?: Split };

/**
 * Gives every annotated image its place in the split, for good, and chooses. Empty where no label has two images to train on and one
 * in the gate. Reads the project's masks twice, so that only those chosen are held with their pixels.
 */
export async function chooseMasks(store: ChoiceStore, project: string, options: ChoiceOptions): Promise<Choice> {
  const { upTo } = options;
  let facts = await factsOf(store, project, upTo);
  let empty = await absencesOf(store, project);
  const places = assignSplits(
    project,
    imagesOf([...facts, ...empty.map(({ sha256, split }) => ({ sha256, ...(split && { split }) }))]),
    options.gateShare,
  );
  if (places.length > 0) {
    await store.images.assignSplit(project, places);
    // Another learner may have been first.
    facts = await factsOf(store, project, upTo);
    empty = await absencesOf(store, project);
  }
  const { ids, notes } = chosen(facts, options);
  const masks: SnapshotMask[] = [];
  for await (const { id, label, sha256, rle, provenance, split, sequence } of masksOf(store, project)) {
    if (!ids.has(id) || split === undefined) continue;
    const [height, width] = rle.size;
    const isNew = sequence > options.learnedUpTo;
    masks.push({ id, label, sha256, rle: { size: [height, width], counts: rle.counts }, provenance, split, isNew });
  }
  const labels = new Map([...groupedBy(facts, ({ sha256 }) => sha256)].map(([sha256, of]) => [sha256, of.map(({ label }) => label)]));
  const most = { train: Math.ceil(options.maxMasks / 4), gate: Math.ceil(options.gatePairs / 2) };
  const absences = await chooseAbsences(store, project, { rows: empty, labels: new Set(masks.map(({ label }) => label)), most });
  const asked = { lessons: [...masks, ...absences], labels, upTo, count: options.references };
  return { masks, absences, notes, ...(await askedWith(store, project, asked)) };
}

async function factsOf(store: { annotations: Pick<Store['annotations'], 'masks'> }, project: string, upTo: number): Promise<MaskFacts[]> {
  const best = new Map<string, MaskFacts>();
  for await (const { id, label, sha256, provenance, flagged, sequence, split, area } of masksOf(store, project)) {
    if (sequence > upTo || area === 0) continue;
    const mask: MaskFacts = { id, label, sha256, provenance, flagged, sequence, ...(split && { split }) };
    const key = `${sha256} ${label}`;
    const other = best.get(key);
    if (other === undefined || countsBefore(mask, other)) best.set(key, mask);
  }
  return [...best.values()];
}

async function* masksOf(
  store: { annotations: Pick<Store['annotations'], 'masks'> },
  project: string,
): AsyncGenerator<MaskRow, void, undefined> {
  let after: number | undefined;
  for (;;) {
    const page = await store.annotations.masks(project, { limit: PAGE, ...(after !== undefined && { after }) });
    yield* page;
    const last = page.at(-1);
    if (last === undefined || page.length < PAGE) return;
    after = last.id;
  }
}

/** Images that somebody said show nothing have no label. */
function imagesOf(facts: readonly (Pick<MaskFacts, 'sha256' | 'split'> & { label?: string })[]): SplitImage[] {
  const images = new Map<string, { sha256: string; labels: string[]; split?: Split }>();
  for (const { sha256, label, split } of facts) {
    const known = images.get(sha256);
    const labels = label === undefined ? [] : [label];
    if (known) known.labels.push(...labels);
    else images.set(sha256, { sha256, labels, ...(split && { split }) });
  }
  return [...images.values()];
}

function chosen(
  facts: readonly MaskFacts[],
  { maxMasks, gatePairs, learnedUpTo, seed }: ChoiceOptions,
): { ids: Set<number>; notes: string[] } {
  const notes: string[] = [];
  const counts = new Map<string, { label: string; train: number; gate: number }>();
  for (const { label, split = 'train' } of facts) {
    const entry = counts.get(label) ?? { label, train: 0, gate: 0 };
    entry[split]++;
    counts.set(label, entry);
  }
  const sizes = [...counts.values()].filter(({ train }) => train >= 2).sort((a, b) => b.train - a.train || (a.label < b.label ? -1 : 1));
  if (!sizes.some(({ gate }) => gate > 0)) return { ids: new Set(), notes };
  const labels = new Set(sizes.slice(0, MAX_LABELS).map(({ label }) => label));
  const dropped = sizes.slice(MAX_LABELS).map(({ label }) => label);
  if (dropped.length > 0) notes.push(`${dropped.length} labels beyond the ${MAX_LABELS} most frequent were left out: ${someOf(dropped)}`);
  const untested = sizes.filter(({ label, gate }) => gate === 0 && labels.has(label)).map(({ label }) => label);
  if (untested.length > 0) notes.push(`no image of the gate shows ${someOf(untested)}`);

  const usable = facts.filter(({ label }) => labels.has(label));
  const train = usable.filter(({ split }) => split === 'train');
  const fresh = train.filter(({ sequence }) => sequence > learnedUpTo);
  const earlier = train.filter(({ sequence }) => sequence <= learnedUpTo);
  const half = Math.floor(maxMasks / 2);
  const freshCount = Math.min(fresh.length, Math.max(maxMasks - half, maxMasks - earlier.length));
  const kept = [...evenly(fresh, freshCount, seed), ...evenly(earlier, maxMasks - freshCount, seed)];
  if (kept.length < train.length) notes.push(`${kept.length} of ${train.length} masks to train on were drawn`);
  const gate = evenly(
    usable.filter(({ split }) => split === 'gate'),
    gatePairs,
    0,
  );
  return { ids: new Set([...kept, ...gate].map(({ id }) => id)), notes };
}

/** At most `count`, taken from the labels in turn, those of one label in an order of chance that the seed fixes. */
function evenly(masks: readonly MaskFacts[], count: number, seed: number): MaskFacts[] {
  if (masks.length <= count) return [...masks];
  const rank = ({ sha256 }: MaskFacts): string => createHash('sha256').update(`${seed}\n${sha256}`).digest('hex');
  const queues = new Map<string, { mask: MaskFacts; rank: string }[]>();
  for (const mask of masks) {
    const queue = queues.get(mask.label);
    if (queue) queue.push({ mask, rank: rank(mask) });
    else queues.set(mask.label, [{ mask, rank: rank(mask) }]);
  }
  for (const queue of queues.values()) queue.sort((a, b) => (a.rank < b.rank ? 1 : -1)); // taken from the end
  const out: MaskFacts[] = [];
  while (out.length < count) {
    for (const queue of queues.values()) {
      const next = queue.pop();
      if (next && out.length < count) out.push(next.mask);
    }
  }
  return out;
}

function someOf(labels: readonly string[]): string {
  const named = labels.slice(0, NAMED_LABELS).join(', ');
  return labels.length > NAMED_LABELS ? `${named} and ${labels.length - NAMED_LABELS} more` : named;
}
