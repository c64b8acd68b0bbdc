/** Pages of the list of images to label next. */
import { describe, expect, it } from 'vitest';
import { MAX_RANKED, nextImages } from '../../../../src/service/next/next-images.ts';
import type { UnlabelledImage } from '../../../../src/service/ports/next-images.ts';

/** A store of so many images; gains fall, and every look is one of three. */
function storeOf(count: number) {
  const asked: string[] = [];
  const all = Array.from({ length: count }, (_, i): UnlabelledImage => ({
    ...{ project: 'p', sha256: String(i), width: 4, height: 3, createdMs: 1, annotated: false },
    ...{ uncertainty: 0.5, presence: 0.25, gain: 1 - i / (2 * count), look: Uint8Array.from([0, 1, 2], (k) => (i % 3 === k ? 127 : 0)) },
  }));
  return {
    asked,
    unlabelled: (project: string, { limit, offset = 0 }: { limit: number; offset?: number }) => {
      asked.push(`${project} ${offset}+${limit}`);
      return Promise.resolve(all.slice(offset, offset + limit));
    },
    labelledLooks: () => Promise.resolve([Uint8Array.of(127, 0, 0)]),
  };
}

describe('the pages of images to label next', () => {
  it('hold every image once, beyond those that are compared, too', async () => {
    const store = storeOf(MAX_RANKED + 50);
    const pages = [];
    for (let offset = 0; offset < MAX_RANKED + 50; offset += 70) pages.push(...(await nextImages(store, 'p', { limit: 70, offset })));
    expect(new Set(pages.map(({ sha256 }) => sha256)).size).toBe(MAX_RANKED + 50);
    expect(pages.length).toBe(MAX_RANKED + 50);
    expect(pages.slice(0, 3).map(({ sha256, novelty }) => [sha256, novelty])).toEqual([
      ['1', 1],
      ['2', 1],
      ['0', 0],
    ]);
    expect(pages.every((image) => !('gain' in image) && !('look' in image))).toBe(true);
    expect(pages.at(-1)).toMatchObject({ sha256: String(MAX_RANKED + 49), presence: 0.25 });
  });

  it('far down ask for themselves alone', async () => {
    const store = storeOf(3 * MAX_RANKED);
    expect(await nextImages(store, 'p', { limit: 5, offset: 2 * MAX_RANKED })).toHaveLength(5);
    expect(store.asked).toEqual([`p ${2 * MAX_RANKED}+5`]);
    expect(await nextImages(storeOf(0), 'p', { limit: 5 })).toEqual([]);
    expect(await nextImages(storeOf(2), 'p', { limit: 5, offset: 2 })).toEqual([]);
  });
});
