/** Masks at the size of a canvas: from pixels and from run lengths alike. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { runsFromText, sampleMask, sampleRle } from '../../../src/client/page/sample-mask.ts';
import { cocoRleFromMaskSync, runsFromMask } from '../../../src/core/mask/rle.ts';
import { anyMask } from '../core/mask/any-mask.ts';

it('reads run lengths as the engine writes them, and samples them at any size', () => {
  fc.assert(
    fc.property(anyMask(24), fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 40 }), (mask, width, height) => {
      const rle = cocoRleFromMaskSync(mask);
      expect(runsFromText(rle.counts)).toEqual(runsFromMask(mask));
      expect(sampleRle(rle, mask.width, mask.height)).toEqual(mask.data);
      const at = (place: number, from: number, to: number): number => Math.floor(((2 * place + 1) * from) / (2 * to));
      const expected = Uint8Array.from({ length: width * height }, (_, i) => {
        const [x, y] = [i % width, Math.floor(i / width)];
        return mask.data[at(y, mask.height, height) * mask.width + at(x, mask.width, width)] as number;
      });
      expect(sampleRle(rle, width, height)).toEqual(expected);
      expect(sampleRle({ ...rle, counts: runsFromMask(mask) }, width, height)).toEqual(expected);
      expect(sampleMask(mask, width, height)).toEqual(expected);
    }),
    { numRuns: 300 },
  );
});
