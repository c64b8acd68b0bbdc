/** Training a ready encoder further: mixed and altered data, empty truths, drawn marks, and keeping what it knew. */
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openModel } from '../../../src/core/checkpoint/model-folder.ts';
import type { FloatTensor } from '../../../src/core/checkpoint/read-tensors.ts';
import { seededRandom } from '../../../src/core/common/random.ts';
import { mixDatasets } from '../../../src/training/datasets/index.ts';
import { keepWeight } from '../../../src/training/loop/keep.ts';
import { openRun } from '../../../src/training/loop/open-run.ts';
import { trainSettings, type TrainOptions } from '../../../src/training/train-options.ts';
import type { Episode } from '../../../src/training/types.ts';
import { checkpointOf, ENGINE_NAME, eventsOf, ofType, smallWorld, withEpisodes, type SmallWorld } from './small-run.ts';

let world: SmallWorld;
beforeAll(async () => {
  world = await smallWorld();
});
afterAll(() => world.close());

const someEpisode = (): Episode => world.dataset.fold('all').trainingEpisodes(0, 321)[0] as Episode;

const FURTHER: Partial<TrainOptions> = { augmentation: { crops: 2 }, absent: 0.5, marks: 0.5, keep: 5, fold: 'all' };

describe(`training further (${ENGINE_NAME})`, () => {
  it('goes on to the same bits with everything drawn at once, and logs every share of the loss', async () => {
    const dataset = mixDatasets([
      { dataset: world.dataset, weight: 1 },
      { dataset: { ...world.dataset, name: 'others' }, weight: 2 },
    ]);
    const whole = world.options({ ...FURTHER, dataset, maxSteps: 4 });
    const parts = world.options({ ...FURTHER, dataset, maxSteps: 2 });
    const events = await eventsOf(whole);
    await eventsOf(parts);
    await eventsOf({ ...parts, maxSteps: 4, resume: true });
    const [once, twice] = [await checkpointOf(whole.out), await checkpointOf(parts.out)];
    expect(once.step).toBe(4);
    expect(twice.bytes.equals(once.bytes)).toBe(true);
    const rows = ofType(events, 'step').map(({ row }) => row);
    expect(rows[0]?.keep).toBeLessThan(1e-9); // nothing has moved yet: two runtimes differ by roundings
    expect(rows.slice(1).every(({ keep = 0 }) => keep > 0)).toBe(true);
    expect(rows.every(({ muCosine = NaN }) => muCosine > 0 && muCosine <= 1.000001)).toBe(true);
  });

  it('runs the frozen networks once an image and crop, in whatever run', async () => {
    const options = { augmentation: { crops: 2 }, fold: 'all', model: 'small', cacheDir: join(world.folder, 'crops') } as const;
    const episodes = world.dataset.fold('all').trainingEpisodes(0, 321).slice(0, 3);
    const runsOf = async (): Promise<number> => {
      const run = await openRun(trainSettings(world.options(options)));
      const random = seededRandom(8);
      for (const episode of episodes) await run.pairs(episode, random, 'training');
      await run.close();
      return run.features.spent.runs;
    };
    expect(await runsOf()).toBeGreaterThan(0);
    expect(await runsOf()).toBe(0);
  });

  it('gives a truth without the class where a target does not show it', async () => {
    const run = await openRun(trainSettings(world.options({ fold: 'all' })));
    const episodes = world.dataset.fold('all').trainingEpisodes(0, 321);
    for (const episode of episodes) {
      const others = episodes.filter(({ classId }) => classId !== episode.classId);
      const empty = await Promise.all(
        others.map(async (other) => !(await world.dataset.labels(other.target)).data.includes(episode.classId)),
      );
      const target = others[empty.indexOf(true)]?.target;
      if (target === undefined) continue;
      const pair = await run.pairs({ ...episode, target }, seededRandom(1), 'training');
      expect(pair.truth.includes(1)).toBe(false);
      expect(pair.cells.includes(1)).toBe(true);
      await run.close();
      return;
    }
    throw new Error('expected an image without one of the classes');
  });

  it('turns drawn marks into objects, the same for the same draws', async () => {
    const run = await openRun(trainSettings(world.options({ marks: 1, fold: 'all' })));
    const [episode] = world.dataset.fold('all').trainingEpisodes(0, 321) as [Episode];
    const plain = await run.pairs(episode, seededRandom(1), 'evaluation');
    const looks = new Set<string>();
    for (let seed = 0; seed < 8; seed++) {
      const marked = await run.pairs(episode, seededRandom(seed), 'training');
      expect(marked.cells.includes(1)).toBe(true);
      expect(marked.truth).toEqual(plain.truth);
      expect((await run.pairs(episode, seededRandom(seed), 'training')).annotation).toEqual(marked.annotation);
      looks.add(marked.annotation.join(''));
    }
    expect(looks.size).toBeGreaterThan(3);
    await run.close();
  });

  it('leaves answers on images it never trained on nearer to the start where they are kept', async () => {
    const [one] = world.dataset.fold('all').trainingEpisodes(0, 321) as [Episode];
    const dataset = withEpisodes(world.dataset, () => [one, one]);
    const short = { dataset, fold: 'all', maxSteps: 8, epochs: 8, lr: 2e-3, dropout: 0, schedule: 'cosine' } as const;
    const free = world.options({ ...short, keep: 0 });
    const held = world.options({ ...short, keep: 50 });
    await eventsOf(free);
    await eventsOf(held);
    const [freely, bound] = [await drift(free.out), await drift(held.out)];
    expect(bound).toBeLessThan(0.5 * freely);
  });

  it('keeps by itself where a trained encoder meets few images, and not from random weights', async () => {
    const settingsOf = async (more: Partial<TrainOptions>) =>
      ofType(await eventsOf(world.options({ maxSteps: 1, ...more })), 'start')[0]?.settings;
    expect(await settingsOf({})).toMatchObject({ keep: 10 });
    expect(await settingsOf({ start: 'scratch' })).not.toHaveProperty('keep');
    expect(await settingsOf({ keep: 0 })).not.toHaveProperty('keep');
    const images = Array.from({ length: 60 }, (_, i) => ({ ...(someEpisode().target as object), key: `a${i}` }) as Episode['target']);
    const many = withEpisodes(world.dataset, () =>
      images.map((target, i) => ({ ...someEpisode(), target, reference: { ...target, key: `b${i}` } })),
    );
    const episodes = many.fold('all').trainingEpisodes(0, 1);
    expect(keepWeight(undefined, true, episodes)).toBe(0);
    expect(keepWeight(3, true, episodes)).toBe(3);
  });

  it('has nothing to keep from random weights', async () => {
    await expect(eventsOf(world.options({ keep: 1, start: 'scratch' }))).rejects.toThrow(
      /keep: expected a start that was trained, got random/,
    );
  });
});

/** Mean relative squared distance of mu from the model's own, over pairs of images that are held back. */
async function drift(out: string): Promise<number> {
  const run = await openRun(trainSettings(world.options({ fold: 'all' })));
  const { config } = run.plan;
  const muBy = (weights: ReadonlyMap<string, FloatTensor>) => run.networks.promptEncoder(config, weights);
  const [before, after] = [
    muBy(run.state.parameters),
    muBy((await openModel(join(out, 'last'))).promptEncoder as Map<string, FloatTensor>),
  ];
  let sum = 0;
  const episodes = world.dataset.fold('all').testEpisodes(6, 321);
  for (const episode of episodes) {
    const pair = await run.pairs(episode, seededRandom(1), 'evaluation');
    const answers: Float32Array[] = [];
    for (const encoder of [before, after]) {
      const code = await encoder.encodeReference(pair.reference.mid, pair.cells);
      answers.push((await encoder.promptDistribution(pair.target.mid, pair.pseudo, code)).mu.data);
    }
    const [first, last] = answers as [Float32Array, Float32Array];
    const squared = (values: Float32Array): number => values.reduce((total, value) => total + value ** 2, 0);
    sum += squared(last.map((value, i) => value - (first[i] as number))) / squared(first) / episodes.length;
  }
  await run.close();
  return sum;
}
