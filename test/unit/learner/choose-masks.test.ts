/** Which masks a run takes, out of a real store. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { LearnedValues } from '../../../src/core/checkpoint/learned-values.ts';
import { LIMITS } from '../../../src/core/common/limits.ts';
import { chooseMasks, type ChoiceOptions } from '../../../src/learner/choose-masks.ts';
import { hash, maskStore, RLE, type MaskStore } from './mask-store.ts';

let world: MaskStore;
beforeEach(async () => {
  world = await maskStore();
});
afterEach(() => world.close());

const choose = (more: Partial<ChoiceOptions> = {}) =>
  chooseMasks(world.store, 'p', {
    ...{ upTo: Number.MAX_SAFE_INTEGER, learnedUpTo: -1, gateShare: 0.25, maxMasks: 1000, gatePairs: 100, references: 5, seed: 1, ...more },
  });
describe('chooseMasks', () => {
  it('is empty until a label has two images to train on and one to test on', async () => {
    await world.annotate('a', ['cup']);
    await world.annotate('b', ['cup']);
    expect(await choose()).toMatchObject({ masks: [], notes: [], references: [] });
    await world.annotate('c', ['jug']);
    expect((await choose()).masks).toEqual([]);
    await world.annotate('d', ['cup']);
    const { masks, notes } = await choose();
    expect(masks.map(({ split }) => split).sort()).toEqual(['gate', 'train', 'train']);
    expect(masks.every(({ label, isNew, rle }) => label === 'cup' && isNew && rle.counts === RLE.counts)).toBe(true);
    expect(notes).toEqual([]);
  });

  it('leaves an image where it was put, however often it is asked', async () => {
    const gateOf = async (): Promise<string[]> =>
      (await choose()).masks.filter(({ split }) => split === 'gate').map(({ sha256 }) => sha256);
    for (let i = 0; i < 8; i++) await world.annotate(`a${i}`, ['cup']);
    const first = await gateOf();
    expect(first.length).toBeGreaterThan(0);
    for (let i = 0; i < 24; i++) await world.annotate(`b${i}`, ['cup']);
    const second = await gateOf();
    expect(second).toEqual(expect.arrayContaining(first));
    expect(second.length).toBeGreaterThan(first.length);
  });

  it('tells new masks from those a run has learned from, and looks no further than it is told', async () => {
    for (let i = 0; i < 4; i++) await world.annotate(`a${i}`, ['cup']);
    const learnedUpTo = await world.newest();
    for (let i = 0; i < 3; i++) await world.annotate(`b${i}`, ['cup']);
    const upTo = await world.newest();
    await world.annotate('late', ['cup']);
    const { masks } = await choose({ learnedUpTo, upTo });
    expect(masks).toHaveLength(7);
    expect(
      masks
        .filter(({ isNew }) => isNew)
        .map(({ sha256 }) => sha256)
        .sort(),
    ).toEqual([0, 1, 2].map((i) => hash(`b${i}`)).sort());
  });

  it('takes one mask of an image and label: the best as a reference', async () => {
    for (let i = 0; i < 4; i++) await world.annotate(`a${i}`, ['cup']);
    for (const [source, provenance] of [
      ['bob', 'accepted'],
      ['eve', 'ground_truth'],
      ['zoe', 'edited'],
    ] as const) {
      await world.annotate('a0', ['cup'], { source, provenance });
    }
    const { masks } = await choose();
    expect(masks).toHaveLength(4);
    expect(masks.find(({ sha256 }) => sha256 === hash('a0'))?.provenance).toBe('ground_truth');
  });

  it('bounds what it takes, evenly over labels, half of it new', async () => {
    for (let i = 0; i < 30; i++) await world.annotate(`a${i}`, ['cup']);
    for (let i = 0; i < 6; i++) await world.annotate(`b${i}`, ['jug']);
    const learnedUpTo = await world.newest();
    for (let i = 0; i < 30; i++) await world.annotate(`c${i}`, ['cup']);
    const { masks, notes } = await choose({ learnedUpTo, maxMasks: 12, gatePairs: 4 });
    const train = masks.filter(({ split }) => split === 'train');
    expect([train.length, masks.length - train.length]).toEqual([12, 4]);
    expect(train.filter(({ isNew }) => isNew)).toHaveLength(6);
    expect(train.filter(({ label }) => label === 'jug').length).toBeGreaterThanOrEqual(3);
    expect(notes).toEqual([expect.stringMatching(/^12 of \d+ masks to train on were drawn$/)]);
    expect(await choose({ learnedUpTo, maxMasks: 12, gatePairs: 4 })).toMatchObject({ masks, notes });
    expect((await choose({ learnedUpTo, maxMasks: 12, gatePairs: 4, seed: 2 })).masks).not.toEqual(masks);
  });

  it('names the labels beyond those a label map has numbers for', async () => {
    const labels = Array.from({ length: 257 }, (_, i) => `label ${String(i).padStart(3, '0')}`);
    for (let i = 0; i < 8; i++) await world.annotate(`a${i}`, labels);
    const { masks, notes } = await choose();
    expect(new Set(masks.map(({ label }) => label)).size).toBe(254);
    expect(notes[0]).toBe('3 labels beyond the 254 most frequent were left out: label 254, label 255, label 256');
  });

  it('says which labels are trained on untested', async () => {
    for (let i = 0; i < 4; i++) await world.annotate(`a${i}`, ['cup']);
    await world.annotate('b0', ['jug']);
    await world.annotate('b1', ['jug']);
    expect((await choose()).notes).toEqual(['no image of the gate shows jug']);
  });

  it('asks each image with what the project would use if nobody had annotated it', async () => {
    for (let i = 0; i < 6; i++) await world.annotate(`a${i}`, ['cup']);
    await world.annotate('both', ['cup', 'jug']);
    for (let i = 0; i < 4; i++) await world.annotate(`b${i}`, ['jug']);
    const { masks, references, asked, accepted } = await choose({ references: 3 });
    const used = (image: string) => (asked[image] ?? []).map((id) => references.find((reference) => reference.id === id));
    expect(Object.keys(asked).sort()).toEqual([...new Set(masks.map(({ sha256 }) => sha256))].sort());
    for (const image of Object.keys(asked)) {
      expect(used(image).map((reference) => reference?.sha256)).not.toContain(image);
      for (const label of ['cup', 'jug']) expect(used(image).filter((reference) => reference?.label === label)).toHaveLength(3);
    }
    const newest = used(hash('a0')).filter((reference) => reference?.label === 'cup');
    expect(newest.map((reference) => reference?.sha256)).toEqual(['both', 'a5', 'a4'].map(hash));
    expect(newest.map((reference) => reference?.shows)).toEqual([['jug'], [], []]);
    expect(accepted).toEqual({ cup: 7, jug: 5 });
  });

  it('asks with as many references as a service does where numbers were fitted, unless a number is set', async () => {
    for (let i = 0; i < 14; i++) await world.annotate(`a${i}`, ['cup']);
    const sizes = async (references?: number) => [
      ...new Set(Object.values((await choose({ references })).asked).map(({ length }) => length)),
    ];
    expect(await sizes()).toEqual([5]);
    const values: LearnedValues = { format: 'prosam-learned/1', features: 'f', label: 'cup', examples: 12, held: [] };
    await world.store.fits.put({ project: 'p', label: 'cup', baseModel: 'm', data: 'd', values, fittedMs: 1 }, []);
    expect(await sizes()).toEqual([12]);
    expect(await sizes(4)).toEqual([4]);
  });

  it('asks for no more than one call of the engine takes, however many labels an image shows', async () => {
    const labels = Array.from({ length: 110 }, (_, i) => `label ${i}`);
    for (let i = 0; i < 6; i++) await world.annotate(`a${i}`, labels);
    const { asked, references } = await choose({ references: 5 });
    const label = new Map(references.map((reference) => [reference.id, reference.label]));
    expect(Object.keys(asked)).toHaveLength(6);
    for (const ids of Object.values(asked)) {
      expect(ids).toHaveLength(LIMITS.callReferences);
      expect(new Set(ids.map((id) => label.get(id))).size).toBe(LIMITS.labels);
    }
  });
});
