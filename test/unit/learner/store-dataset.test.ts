/** What a run draws from its masks. */
import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { cocoRleFromMaskSync } from '../../../src/core/mask/rle.ts';
import type { Provenance } from '../../../src/service/ports/storage.ts';
import { dataFingerprint, type Lesson, type SnapshotAbsence, type SnapshotMask } from '../../../src/learner/snapshot.ts';
import { storeDataset } from '../../../src/learner/store-dataset.ts';
import type { Dataset, Episode } from '../../../src/training/types.ts';
import { expectCode } from '../core/expect-error.ts';

const hash = (text: string): string => createHash('sha256').update(text).digest('hex');

interface Plan {
  label?: string;
  image: string;
  provenance?: Provenance;
  split?: 'train' | 'gate';
  isNew?: boolean;
}
function maskOf({ label = 'cup', image, provenance = 'edited', split = 'train', isNew = true }: Plan): SnapshotMask {
  const [first, ...rest] = label === 'cup' ? [1, 1, 0, 0, 0, 0] : [0, 1, 1, 0, 0, 0];
  const { size, counts } = cocoRleFromMaskSync({ data: Uint8Array.from([first, ...rest]), width: 3, height: 2 });
  return { label, sha256: hash(image), rle: { size, counts }, provenance, split, isNew };
}
const GATE = [maskOf({ image: 'g1', split: 'gate' }), maskOf({ image: 'g2', split: 'gate' })];
const open = (masks: readonly Lesson[], more: { replayShare?: number; absentShare?: number; episodes?: number } = {}): Dataset =>
  storeDataset({
    project: 'p',
    lessons: masks,
    absentShare: 0.2,
    replayShare: 0.5,
    episodes: 40,
    fileOf: (sha256) => `/images/${sha256}`,
    ...more,
  });
const many = (dataset: Dataset, epochs = 250): Episode[] =>
  Array.from({ length: epochs }, (_, epoch) => dataset.fold('all').trainingEpisodes(epoch, 1)).flat();
const shareOf = (episodes: readonly Episode[], images: readonly string[]): number => {
  const wanted = new Set(images.map(hash));
  return episodes.filter(({ target }) => wanted.has(target.key.slice(0, 64))).length / episodes.length;
};

describe('storeDataset', () => {
  it('draws the same from the same epoch and seed, and else another', () => {
    const masks = [...GATE, ...Array.from({ length: 9 }, (_, i) => maskOf({ image: `t${i}`, isNew: i < 4 }))];
    const fold = open(masks).fold('all');
    expect(fold.trainingEpisodes(3, 7)).toEqual(open(masks).fold('all').trainingEpisodes(3, 7));
    expect(fold.trainingEpisodes(3, 7)).toHaveLength(40);
    expect(fold.trainingEpisodes(4, 7)).not.toEqual(fold.trainingEpisodes(3, 7));
    expect(fold.trainingEpisodes(3, 8)).not.toEqual(fold.trainingEpisodes(3, 7));
    expect(fold.testEpisodes(50, 1)).toEqual(open(masks).fold('all').testEpisodes(50, 1));
  });

  it('draws a target as often as its mask teaches', () => {
    const masks = [
      ...GATE,
      maskOf({ image: 'edited' }),
      maskOf({ image: 'drawn', provenance: 'drawn' }),
      maskOf({ image: 'star', provenance: 'ground_truth' }),
      maskOf({ image: 'accepted', provenance: 'accepted' }),
    ];
    const episodes = many(open(masks));
    const sum = 1 + 0.8 + 0.8 + 0.15;
    for (const [image, weight] of [
      ['edited', 1],
      ['drawn', 0.8],
      ['star', 0.8],
      ['accepted', 0.15],
    ] as const) {
      const expected = weight / sum;
      // Five standard deviations of 10,000 draws.
      expect(Math.abs(shareOf(episodes, [image]) - expected)).toBeLessThan(5 * Math.sqrt((expected * (1 - expected)) / episodes.length));
    }
  });

  it('replays as large a share of earlier masks as asked for, however many there are', () => {
    const fresh = ['n1', 'n2'];
    const earlier = Array.from({ length: 20 }, (_, i) => `e${i}`);
    const masks = [...GATE, ...fresh.map((image) => maskOf({ image })), ...earlier.map((image) => maskOf({ image, isNew: false }))];
    for (const replayShare of [0, 0.25, 0.5, 1]) {
      const share = shareOf(many(open(masks, { replayShare })), earlier);
      expect(Math.abs(share - replayShare)).toBeLessThan(0.025);
    }
    const onlyNew = open([...GATE, ...fresh.map((image) => maskOf({ image }))]);
    expect(shareOf(many(onlyNew, 5), fresh)).toBe(1);
    const onlyEarlier = open([...GATE, ...earlier.map((image) => maskOf({ image, isNew: false }))], { replayShare: 0 });
    expect(shareOf(many(onlyEarlier, 5), earlier)).toBe(1);
  });

  it('trains on no image of the gate and tests on no other', () => {
    const masks = [...GATE, ...Array.from({ length: 5 }, (_, i) => maskOf({ image: `t${i}` }))];
    const gate = new Set(GATE.map(({ sha256 }) => `/images/${sha256}`));
    for (const { reference, target } of many(open(masks), 20)) {
      expect(gate.has(reference.file) || gate.has(target.file)).toBe(false);
      expect(reference.file).not.toBe(target.file);
    }
    const tests = open(masks).fold('all').testEpisodes(100, 1);
    expect(new Set(tests.map(({ target }) => target.file))).toEqual(gate);
    expect(tests.some(({ reference }) => gate.has(reference.file))).toBe(false);
    expect(new Set(tests.map(({ reference, target }) => `${reference.key} ${target.key}`)).size).toBe(tests.length);
    expect(open(masks).fold('all').testEpisodes(1, 1)).toHaveLength(1);
  });

  it('keeps labels that overlap apart, each as it was marked', async () => {
    const masks = [
      ...['a', 'b', 'c'].flatMap((image) => [maskOf({ image }), maskOf({ image, label: 'jug' })]),
      ...[maskOf({ image: 'g', split: 'gate' }), maskOf({ image: 'g', label: 'jug', split: 'gate' })],
    ];
    const dataset = open(masks);
    expect(dataset.classes).toEqual([
      { id: 1, name: 'cup' },
      { id: 2, name: 'jug' },
    ]);
    const [cup, jug] = [1, 2].map((id) => many(dataset, 1).find(({ classId }) => classId === id)?.target);
    if (!cup || !jug) throw new Error('expected episodes of both labels');
    expect(await dataset.labels(cup)).toEqual({ data: Uint8Array.from([1, 1, 0, 0, 0, 0]), width: 3, height: 2 });
    expect(await dataset.labels(jug)).toEqual({ data: Uint8Array.from([0, 2, 2, 0, 0, 0]), width: 3, height: 2 });
    for (const { reference, target, classId } of many(dataset, 5)) {
      expect([reference.key, target.key].map((key) => key.slice(65))).toEqual([String(classId), String(classId)]);
    }
  });

  it('leaves labels out that cannot be paired, and refuses what has none', () => {
    const masks = [...GATE, maskOf({ image: 'a' }), maskOf({ image: 'b' }), maskOf({ image: 'c', label: 'jug' })];
    expect(open(masks).fold('all').base).toEqual([1]);
    expectCode('DATASET_INVALID', () => open([...GATE, maskOf({ image: 'a' })]), 'project p', 'two images');
    // Images held out in turn need no gate.
    expect(open([maskOf({ image: 'a' }), maskOf({ image: 'b' })]).fold('all').novel).toEqual([]);
  });
});

describe('images that do not show a label', () => {
  const absence = (image: string, more: Partial<SnapshotAbsence> = {}): SnapshotAbsence => ({
    ...{ label: 'cup', sha256: hash(image), width: 3, height: 2, split: 'train' as const },
    ...more,
  });
  const masks = [...GATE, maskOf({ image: 'a' }), maskOf({ image: 'b' }), maskOf({ image: 'c' })];

  it('are targets with an empty truth, as large a share as they are of the images and no larger than is set', async () => {
    const some = open([...masks, absence('e')]);
    expect(shareOf(many(some), ['e'])).toBeCloseTo(0.2, 1); // of 4 one, but at most a fifth
    const few = open([...masks, absence('e')], { absentShare: 0.9 });
    expect(shareOf(many(few), ['e'])).toBeCloseTo(0.25, 1);
    const episode = many(some).find(({ target }) => target.key.startsWith(hash('e'))) as Episode;
    expect(await some.labels(episode.target)).toEqual({ data: new Uint8Array(6), width: 3, height: 2 });
    expect((await some.labels(episode.reference)).data.includes(1)).toBe(true);
  });

  it('teach nothing where they are held back, of another label, or asked for not at all', () => {
    const others = [absence('e', { split: 'gate' }), absence('f', { label: 'jug' })];
    expect(many(open([...masks, ...others]))).toEqual(many(open(masks)));
    expect(many(open([...masks, absence('e')], { absentShare: 0 }))).toEqual(many(open(masks)));
    expect(dataFingerprint([...masks, absence('e')])).not.toBe(dataFingerprint(masks));
  });
});

describe('dataFingerprint', () => {
  it('changes with every mask, but not with their order', () => {
    const masks = [...GATE, maskOf({ image: 'a' }), maskOf({ image: 'b' })];
    const whole = dataFingerprint(masks);
    expect(dataFingerprint([...masks].reverse())).toBe(whole);
    const others = [
      masks.slice(1),
      masks.map((mask, i) => (i === 2 ? { ...mask, provenance: 'accepted' as const } : mask)),
      masks.map((mask, i) => (i === 2 ? { ...mask, label: 'jug' } : mask)),
      masks.map((mask, i) => (i === 2 ? { ...mask, rle: maskOf({ image: 'a', label: 'jug' }).rle } : mask)),
      masks.map((mask, i) => (i === 2 ? { ...mask, split: 'gate' as const } : mask)),
    ];
    expect(new Set([whole, ...others.map(dataFingerprint)]).size).toBe(6);
  });
});
