/** Images that are held against a label: none that shows it. */
import { expect, it } from 'vitest';
import type { ImageMaps } from '../../../../src/core/engine/image-features.ts';
import type { ShownReference } from '../../../../src/core/engine/one-per-image.ts';
import { rivalImages } from '../../../../src/core/engine/rival-images.ts';
import { MAX_RIVAL_IMAGES } from '../../../../src/core/engine/trust/rivals.ts';

const maps = (key: string) => ({ key }) as ImageMaps;
const shown = (image: string, shows: readonly string[] = []) => ({ features: maps(image), shows }) as unknown as ShownReference;
const keys = (images: readonly ImageMaps[]) => images.map(({ key }) => key);

it('are those of other labels, from all in turn, then those that were named', () => {
  const groups = new Map([
    ['cup', [shown('a')]],
    ['dog', [shown('b'), shown('c')]],
    ['car', [shown('d')]],
  ]);
  expect(keys(rivalImages('cup', groups, [maps('e')], maps('t')))).toEqual(['b', 'd', 'c', 'e']);
});

it('are never the target, an image in which the label is marked or known, or one twice', () => {
  const groups = new Map([
    ['cup', [shown('a')]],
    ['dog', [shown('a'), shown('b', ['cup']), shown('t'), shown('c')]],
  ]);
  expect(keys(rivalImages('cup', groups, [maps('c'), maps('a')], maps('t')))).toEqual(['c']);
});

it('are a few', () => {
  const others = Array.from({ length: 20 }, (_, i) => maps(String(i)));
  expect(rivalImages('cup', new Map([['cup', [shown('a')]]]), others, maps('t'))).toHaveLength(MAX_RIVAL_IMAGES);
});
