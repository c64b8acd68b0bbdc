/** Several data sets as one: episodes are drawn from each by its weight, and none learns another's classes. */
import { ProsamError } from '../../core/common/errors.ts';
import { randomFor } from '../step/seeds.ts';
import type { Dataset, DatasetImage, Episode, Fold } from '../types.ts';
import { inTurn } from './folder-folds.ts';

export interface WeightedDataset {
  dataset: Dataset;
  /** Share of the episodes, against the weights of the others; above 0. */
  weight: number;
}

/** Label maps hold so many classes. */
const MAX_CLASSES = 254;

interface Part extends WeightedDataset {
  /** Unlike the others'. */
  name: string;
  /** Added to the ids of its classes. */
  offset: number;
}

/**
 * Classes keep their order and get new ids, one data set after the other; of several they are called "set/class". A fold is the same fold
 * of all. An epoch has as many episodes as those of all together.
 * @throws DATASET_INVALID for more than 254 classes, OPTION_INVALID for weights that are none
 */
export function mixDatasets(parts: readonly WeightedDataset[]): Dataset {
  const [only] = parts;
  if (only === undefined) throw new ProsamError('OPTION_INVALID', 'data: expected at least one data set, got none.');
  for (const { dataset, weight } of parts) {
    if (!(weight > 0 && Number.isFinite(weight)))
      throw new ProsamError('OPTION_INVALID', `${dataset.name}: expected a weight above 0, got ${weight}.`);
  }
  if (parts.length === 1) return only.dataset;
  const placed = partsOf(parts);
  const classes = placed.flatMap(({ dataset, name, offset }) =>
    dataset.classes.map((one) => ({ id: one.id + offset, name: `${name}/${one.name}` })),
  );
  const partOf = ({ key }: DatasetImage): { part: Part; own: string } => {
    const slash = key.indexOf('/');
    const part = placed[Number(key.slice(0, slash))];
    if (part === undefined) throw new ProsamError('DATASET_INVALID', `${key}: expected an image of the mixture, got another.`);
    return { part, own: key.slice(slash + 1) };
  };
  return {
    name: placed.map(({ name, weight }) => `${name}:${weight}`).join(' + '),
    classes,
    readings: placed.flatMap(({ dataset }) => dataset.readings ?? []),
    folds: Math.min(...placed.map(({ dataset }) => dataset.folds)),
    fold: (index) => mixedFold(placed, index),
    async labels(image) {
      const { part, own } = partOf(image);
      const labels = await part.dataset.labels({ ...image, key: own });
      const { offset } = part;
      const known = new Set(part.dataset.classes.map(({ id }) => id));
      // Classes that are left out stay background, and 255 stays ignored.
      return { ...labels, data: labels.data.map((label) => (known.has(label) ? label + offset : label === 255 ? label : 0)) };
    },
  };
}

function partsOf(parts: readonly WeightedDataset[]): Part[] {
  let offset = 0;
  return parts.map(({ dataset, weight }, i) => {
    const twin = parts.slice(0, i).filter((other) => other.dataset.name === dataset.name).length;
    const part = { dataset, weight, name: twin > 0 ? `${dataset.name}#${twin + 1}` : dataset.name, offset };
    offset += Math.max(...dataset.classes.map(({ id }) => id));
    if (offset > MAX_CLASSES)
      throw new ProsamError(
        'DATASET_INVALID',
        `expected class ids up to ${MAX_CLASSES} in all the data sets together, got ${offset} with ${dataset.name}. Mix fewer.`,
      );
    return part;
  });
}

function mixedFold(parts: readonly Part[], index: number | 'all'): Fold {
  const folds = parts.map(({ dataset }) => dataset.fold(index));
  const ids = (of: (fold: Fold) => readonly number[]): number[] =>
    folds.flatMap((fold, i) => of(fold).map((id) => id + (parts[i] as Part).offset));
  const placed = (episode: Episode, i: number): Episode => {
    const { name, offset } = parts[i] as Part;
    const image = (one: DatasetImage): DatasetImage => ({ ...one, key: `${i}/${one.key}` });
    return {
      classId: episode.classId + offset,
      reference: image(episode.reference),
      target: image(episode.target),
      source: name,
    };
  };
  const leftOut = folds.flatMap((fold, i) => (fold.leftOut ?? []).map((phrase) => `${(parts[i] as Part).name}: ${phrase}`));
  const total = parts.reduce((sum, { weight }) => sum + weight, 0);
  return {
    name: (folds[0] as Fold).name,
    base: ids(({ base }) => base),
    novel: ids(({ novel }) => novel),
    ...(leftOut.length > 0 && { leftOut }),
    trainingEpisodes(epoch, seed) {
      const lengths = folds.map((fold) => fold.trainingEpisodes(0, seed).length);
      const count = lengths.reduce((sum, length) => sum + length, 0);
      const random = randomFor(seed, 'mixture', epoch);
      const pick = (): number => {
        let at = random() * total;
        return Math.max(
          0,
          parts.findIndex(({ weight }) => (at -= weight) < 0),
        );
      };
      /** Each data set's own epochs one after the other, so that its images come equally often. */
      const rounds = lengths.map((length) => Math.ceil(count / length));
      const used = folds.map(() => 0);
      const own = folds.map((): { round: number; episodes: readonly Episode[] } => ({ round: -1, episodes: [] }));
      return Array.from({ length: count }, () => {
        const i = pick();
        const [fold, length, at] = [folds[i] as Fold, lengths[i] as number, used[i] as number];
        used[i] = at + 1;
        const round = Math.floor(at / length);
        if (own[i]?.round !== round) own[i] = { round, episodes: fold.trainingEpisodes(epoch * (rounds[i] as number) + round, seed) };
        return placed((own[i] as { episodes: readonly Episode[] }).episodes[at % length] as Episode, i);
      });
    },
    testEpisodes(count, seed) {
      return inTurn(folds.map((fold, i) => fold.testEpisodes(count, seed).map((episode) => placed(episode, i)))).slice(0, count);
    },
  };
}
