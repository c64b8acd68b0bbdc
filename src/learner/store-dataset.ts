/** A run's masks as the trainer and the gate read them: episodes drawn by what a mask teaches, label maps out of the store's own codes. */
import { TEACHING_WEIGHTS } from '../service/ports/provenance.ts';
import { maskFromCocoRle } from '../core/mask/rle.ts';
import { uniformInt, type Random } from '../core/common/random.ts';
import { ProsamError } from '../core/common/errors.ts';
import { randomFor } from '../training/step/seeds.ts';
import type { Dataset, DatasetImage, Episode, Fold, LabelMap } from '../training/types.ts';
import { isAbsence, type Lesson, type SnapshotMask } from './snapshot.ts';

export interface StoreDatasetOptions {
  project: string;
  lessons: readonly Lesson[];
  /** Share of targets from masks an earlier run has learned from, where there are both. */
  replayShare: number;
  /** Largest share of training episodes whose target does not show the label; at most that of such images. */
  absentShare: number;
  /** Training episodes of an epoch. */
  episodes: number;
  /** Path of an image's file. */
  fileOf: (sha256: string) => string;
}

/** An image as one label sees it: where labels overlap, one map cannot hold both. */
interface Sample {
  image: DatasetImage;
  mask: SnapshotMask;
  classId: number;
}

/** An image that does not show a label. */
interface EmptySample {
  image: DatasetImage;
  classId: number;
  width: number;
  height: number;
}

/** fold('all') trains on the images to train on and tests on those of the gate, with references that are trained on. */
export function storeDataset(options: StoreDatasetOptions): Dataset {
  const { project, lessons, fileOf } = options;
  const masks = lessons.filter((lesson): lesson is SnapshotMask => !isAbsence(lesson));
  const labels = [...new Set(masks.map(({ label }) => label))].sort();
  const classes = labels.map((name, i) => ({ id: i + 1, name }));
  const ids = new Map(classes.map(({ id, name }) => [name, id]));
  const samples = masks.map((mask): Sample => {
    const classId = ids.get(mask.label) as number;
    return { image: { key: `${mask.sha256}:${classId}`, file: fileOf(mask.sha256) }, mask, classId };
  });
  const empty = lessons.filter(isAbsence).flatMap(({ label, sha256, width, height, split }): EmptySample[] => {
    const classId = ids.get(label);
    if (split !== 'train' || classId === undefined) return [];
    return [{ image: { key: `${sha256}:${classId}`, file: fileOf(sha256) }, classId, width, height }];
  });
  const byKey = new Map([...samples, ...empty].map((sample) => [sample.image.key, sample]));
  const fold = foldOf(options, samples, empty);
  return {
    name: `project ${project}`,
    classes,
    folds: 0,
    fold: () => fold,
    labels(image) {
      const sample = byKey.get(image.key);
      if (sample === undefined)
        throw new ProsamError('DATASET_INVALID', `${image.key}: expected an image of project ${project}, got another.`);
      return Promise.resolve(labelMapOf(sample));
    },
  };
}

function labelMapOf(sample: Sample | EmptySample): LabelMap {
  if (!('mask' in sample)) return { data: new Uint8Array(sample.width * sample.height), width: sample.width, height: sample.height };
  const { mask, classId } = sample;
  const { data, width, height } = maskFromCocoRle(mask.rle);
  return { data: data.map((value) => (value === 0 ? 0 : classId)), width, height };
}

function foldOf(
  { project, replayShare, absentShare, episodes }: StoreDatasetOptions,
  samples: readonly Sample[],
  empty: readonly EmptySample[],
): Fold {
  const training = samples.filter(({ mask }) => mask.split === 'train');
  const perClass = grouped(training);
  const isTrainable = ({ classId }: Sample): boolean => (perClass.get(classId)?.length ?? 0) >= 2;
  const targets = training.filter(isTrainable);
  const gate = inTurn(grouped(samples.filter((sample) => sample.mask.split === 'gate' && isTrainable(sample))));
  if (targets.length === 0) {
    throw new ProsamError(
      'DATASET_INVALID',
      `project ${project}: expected a label marked in two images to train on, got none. Annotate more images.`,
    );
  }
  const fresh = weighted(targets.filter(({ mask }) => mask.isNew));
  const earlier = weighted(targets.filter(({ mask }) => !mask.isNew));
  const without = empty.filter(({ classId }) => (perClass.get(classId)?.length ?? 0) >= 2);
  const emptyShare = Math.min(absentShare, without.length / (without.length + targets.length));
  const references = new Map([...perClass].map(([id, found]) => [id, weighted(found)]));
  const drawTarget = (random: Random): Sample => {
    const replay = random() < replayShare; // drawn in any case, so that one pool or two leave the stream in step
    if (fresh.samples.length === 0) return draw(earlier, random);
    return draw(replay && earlier.samples.length > 0 ? earlier : fresh, random);
  };
  const drawReference = (target: Sample, random: Random): Sample => {
    const pool = references.get(target.classId) as Weighted;
    for (let tries = 0; tries < MAX_TRIES; tries++) {
      const found = draw(pool, random);
      if (found !== target) return found;
    }
    const others = pool.samples.filter((one) => one !== target);
    return others[uniformInt(random, 0, others.length - 1)] as Sample;
  };
  return {
    name: 'all',
    base: [...new Set(targets.map(({ classId }) => classId))],
    novel: [...new Set(gate.map(({ classId }) => classId))],
    trainingEpisodes(epoch, seed) {
      const random = randomFor(seed, 'episodes', epoch);
      return Array.from({ length: episodes }, () => {
        if (emptyShare > 0 && random() < emptyShare) {
          const target = without[uniformInt(random, 0, without.length - 1)] as EmptySample;
          const reference = draw(references.get(target.classId) as Weighted, random);
          return { classId: target.classId, reference: reference.image, target: target.image };
        }
        const target = drawTarget(random);
        return episodeOf(drawReference(target, random), target);
      });
    },
    testEpisodes(count, seed) {
      const random = randomFor(seed, 'test');
      const pairs = new Map<string, Episode>();
      for (let i = 0; i < GATE_ROUNDS * gate.length && pairs.size < count; i++) {
        const target = gate[i % gate.length] as Sample;
        const episode = episodeOf(drawReference(target, random), target);
        pairs.set(`${episode.reference.key} ${target.image.key}`, episode);
      }
      return [...pairs.values()];
    },
  };
}

/** References each image of the gate is asked with: few images tell more that way. */
const GATE_ROUNDS = 3;

/** Draws before one by elimination: the target may hold nearly all the weight of its label. */
const MAX_TRIES = 20;

function episodeOf(reference: Sample, target: Sample): Episode {
  return { classId: target.classId, reference: reference.image, target: target.image };
}

function grouped(samples: readonly Sample[]): Map<number, Sample[]> {
  const groups = new Map<number, Sample[]>();
  for (const sample of samples) {
    const group = groups.get(sample.classId);
    if (group) group.push(sample);
    else groups.set(sample.classId, [sample]);
  }
  return groups;
}

/** The first of every class, then the second of every class, and so on, each class by the images' hashes. */
function inTurn(groups: ReadonlyMap<number, readonly Sample[]>): Sample[] {
  return [...groups.values()]
    .flatMap((group) => group.toSorted((a, b) => (a.mask.sha256 < b.mask.sha256 ? -1 : 1)).map((sample, turn) => ({ sample, turn })))
    .sort((a, b) => a.turn - b.turn || a.sample.classId - b.sample.classId)
    .map(({ sample }) => sample);
}

interface Weighted {
  samples: readonly Sample[];
  /** Running sums of the weights. */
  upTo: Float64Array;
}

function weighted(samples: readonly Sample[]): Weighted {
  let sum = 0;
  return { samples, upTo: Float64Array.from(samples, ({ mask }) => (sum += TEACHING_WEIGHTS[mask.provenance])) };
}

function draw({ samples, upTo }: Weighted, random: Random): Sample {
  const at = random() * (upTo.at(-1) as number);
  let [low, high] = [0, samples.length - 1];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((upTo[middle] as number) > at) high = middle;
    else low = middle + 1;
  }
  return samples[low] as Sample;
}
