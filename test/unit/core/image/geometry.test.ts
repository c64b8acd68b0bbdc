import { expect, it } from 'vitest';
import { geometryOf } from '../../../../src/core/image/geometry.ts';
import { aboveZero } from '../../../../src/core/mask/resize-map.ts';

const SIDE = 64;
/** A ragged blob across the middle, as SAM's logits are, with specks elsewhere. */
const logits = Float32Array.from({ length: SIDE * SIDE }, (_, i) => {
  const [x, y] = [i % SIDE, Math.floor(i / SIDE)];
  const speck = i % 397 === 0 ? 30 : 0;
  return 14 - Math.hypot(x - 30, y - 26) + 3 * Math.sin(x) * Math.cos(1.7 * y) + speck;
});

const ways = [
  ['by way of a square', { resize: 'stretch', samSize: 256, backboneSize: 128 }],
  ['by way of a padded square', { resize: 'longest-side', samSize: 256 }],
  ['at once', { resize: 'stretch-float', samSize: 256 }],
] as const;

it.each(ways)('a mask brought to its image %s is, pixel for pixel, where the logits there are above 0', (_, config) => {
  const geometry = geometryOf({ ...config, normalisation: { mean: [0, 0, 0], std: [1, 1, 1] } });
  const low = { data: logits, width: SIDE, height: SIDE };
  for (const [width, height] of [
    [640, 480],
    [97, 413],
    [256, 256],
    [31, 20],
  ] as const) {
    // prettier-ignore
    const mask = geometry.lowToMask(low, width, height);
    expect(mask).toEqual(aboveZero(geometry.lowToImage(low, width, height).data));
    expect(mask.some((value) => value === 1) && mask.some((value) => value === 0)).toBe(true);
  }
});
