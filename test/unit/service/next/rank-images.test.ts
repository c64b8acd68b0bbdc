/** Greedy order of images to label: gain x novelty, one after another. */
import { describe, expect, it } from 'vitest';
import { directionOf, likeness, lookOf } from '../../../../src/service/next/look.ts';
import { rankImages } from '../../../../src/service/next/rank-images.ts';
import { rankingOf } from '../../../../src/service/next/ranking.ts';
import { MAX_LOOK_BYTES, type UnlabelledImage } from '../../../../src/service/ports/next-images.ts';

const facts = { project: 'p', width: 4, height: 3, createdMs: 1, annotated: false };
const lookTo = (...values: number[]): Uint8Array => lookOf(Float32Array.from(values)) as Uint8Array;
const image = (sha256: string, gain?: number, look?: Uint8Array): UnlabelledImage => ({
  ...{ ...facts, sha256 },
  ...(gain !== undefined && { gain }),
  ...(look && { look }),
});
const namesOf = (images: readonly { sha256: string }[]): string => images.map(({ sha256 }) => sha256).join(' ');

describe('images to label next', () => {
  it('stand by gain where all are equally new, in the given order where that is equal, too', async () => {
    const images = [image('a', 0.2), image('b', 0.5), image('c', 0.2), image('d'), image('e', 0)];
    expect(namesOf(await rankImages(images, [], 9))).toBe('b a c e d');
    expect(await rankImages([], [lookTo(1, 0)], 9)).toEqual([]);
    expect(await rankImages([image('a', 0.3, lookTo(1, 0))], [], 9)).toEqual([{ ...facts, sha256: 'a' }]);
  });

  it('that are like a labeled one, or like one before them, count less', async () => {
    const [up, nearlyUp, right, between] = [lookTo(0, 1), lookTo(0.1, 1), lookTo(1, 0), lookTo(1, 1)];
    const images = [image('like', 0.9, nearlyUp), image('new', 0.3, right), image('again', 0.3, right), image('between', 0.3, between)];
    const ranked = await rankImages(images, [up], 9);
    expect(namesOf(ranked)).toBe('new between like again');
    expect(ranked.map(({ novelty }) => Number(novelty?.toFixed(2)))).toEqual([1, 0.29, 0.01, 0]);
    // Of the same image twice the second one comes after everything else that tells something.
    expect(ranked[3]).not.toHaveProperty('gain');
    expect(ranked[3]).not.toHaveProperty('look');
  });

  it('begin with the same ones however many are asked for', async () => {
    const values = Array.from({ length: 40 }, (_, i) => [Math.sin(3 * i), Math.cos(5 * i), Math.sin(i * i)] as const);
    const images = values.map((value, i) => image(String(i), Math.abs(Math.sin(7 * i)), lookTo(...value)));
    const all = namesOf(await rankImages(images, [lookTo(1, 1, 1)], 40));
    for (const count of [1, 7, 20]) {
      const some = await rankImages(images, [lookTo(1, 1, 1)], count);
      expect(namesOf(some.slice(0, count))).toBe(all.split(' ').slice(0, count).join(' '));
      expect(new Set(some.map(({ sha256 }) => sha256)).size).toBe(40);
    }
  });

  it('without a vector, or with one of another model, are as new as the others are on average', async () => {
    const images = [
      image('old', 0.5, lookTo(1, 0.1)),
      image('none', 0.5),
      image('other', 0.4, lookTo(1, 0, 0)),
      image('new', 0.5, lookTo(0, 1)),
    ];
    const ranked = await rankImages(images, [lookTo(1, 0)], 9);
    expect(namesOf(ranked)).toBe('new none other old');
    expect(ranked.map(({ novelty }) => novelty !== undefined)).toEqual([true, false, false, true]);
  });

  it('do not hold up the event loop', async () => {
    let turns = 0;
    let done = false;
    const count = (): void => {
      turns++;
      if (!done) setImmediate(count);
    };
    setImmediate(count);
    const look = lookOf(Float32Array.from({ length: 480 }, (_, i) => Math.sin(i))) as Uint8Array;
    const images = Array.from({ length: 1000 }, (_, i) => image(String(i), 0.5, look));
    await rankImages(images, Array<Uint8Array>(50).fill(look), 20);
    done = true;
    expect(turns).toBeGreaterThan(5);
  });
});

describe('looks', () => {
  it('keep cosines', () => {
    const [a, b] = [1, 2].map((k) => Float32Array.from({ length: 472 }, (_, i) => Math.sin(k * i + k) + 0.5));
    const plain = (x: Float32Array, y: Float32Array): number => x.reduce((sum, value, i) => sum + value * (y[i] as number), 0);
    const [one, other] = [a, b] as [Float32Array, Float32Array];
    const exact = plain(one, other) / Math.sqrt(plain(one, one) * plain(other, other));
    expect(likeness(directionOf(lookOf(one) as Uint8Array), directionOf(lookOf(other) as Uint8Array))).toBeCloseTo(exact, 2);
    expect(lookOf(one)?.length).toBe(472);
  });

  it('of nothing are none, and are never longer than a row takes', () => {
    expect(lookOf(new Float32Array(4))).toBeUndefined();
    expect(lookOf(Float32Array.of(1, NaN))).toBeUndefined();
    expect(lookOf(new Float32Array(3 * MAX_LOOK_BYTES).fill(1))?.length).toBe(MAX_LOOK_BYTES);
    expect(likeness(Float32Array.of(1), Float32Array.of(1, 0))).toBeUndefined();
  });
});

describe('the worth of an image', () => {
  const mask = (score: number, present: number) => ({ quality: { score, present } });

  it('is that of the label that promises most', () => {
    const { presence, gain, look } = rankingOf([mask(0.9, 1), mask(0.25, 0.5), mask(0, 0.1)], Float32Array.of(0, 2));
    expect([presence, gain]).toEqual([1, 0.375]);
    expect(look).toEqual(Uint8Array.of(0, 127));
    expect(rankingOf([], undefined)).toEqual({ presence: 0, gain: 0 });
  });
});
