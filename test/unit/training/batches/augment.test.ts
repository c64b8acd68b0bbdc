import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Raster } from '../../../../src/core/image/pillow-resize.ts';
import { seededRandom } from '../../../../src/core/common/random.ts';
import { drawAugmentation, type DrawnAugmentation } from '../../../../src/training/batches/augment.ts';

/** Draws that come one after the other. */
function scripted(...values: number[]): () => number {
  return () => values.shift() ?? 0.999;
}
const always = (drawn: DrawnAugmentation | undefined): DrawnAugmentation => {
  if (!drawn) throw new Error('expected an alteration');
  return drawn;
};
const IMAGE: Raster = { data: Uint8Array.from({ length: 3 * 6 }, (_, i) => 10 * i), width: 3, height: 2, channels: 3 };
const LABELS = { data: Uint8Array.of(1, 2, 3, 4, 5, 255), width: 3, height: 2 };

describe('altered pairs', () => {
  it('are off by default and draw nothing then', () => {
    const random = (): number => {
      throw new Error('drawn');
    };
    expect(drawAugmentation(undefined, random)).toBeUndefined();
    expect(drawAugmentation({ flip: false, jitter: 0 }, random)).toBeUndefined();
  });

  it('mirror image and labels together', () => {
    const { variant, labels } = always(drawAugmentation({ flip: true }, scripted(0.4)));
    expect([...labels(LABELS).data]).toEqual([3, 2, 1, 255, 5, 4]);
    const { data } = variant.apply(IMAGE);
    expect([...data]).toEqual([60, 70, 80, 30, 40, 50, 0, 10, 20, 150, 160, 170, 120, 130, 140, 90, 100, 110]);
    expect(drawAugmentation({ flip: true }, scripted(0.6))).toBeUndefined();
  });

  it('give back the original when mirrored twice', () => {
    const size = fc.record({ width: fc.integer({ min: 1, max: 9 }), height: fc.integer({ min: 1, max: 9 }) });
    fc.assert(
      fc.property(size, ({ width, height }) => {
        const { labels } = always(drawAugmentation({ flip: true }, scripted(0)));
        const map = { data: Uint8Array.from({ length: width * height }, (_, i) => i), width, height };
        expect(labels(labels(map))).toEqual(map);
      }),
    );
  });

  it('change colours and leave labels alone', () => {
    const { variant, labels } = always(drawAugmentation({ jitter: 4 }, scripted(0.5)));
    expect(labels(LABELS)).toEqual(LABELS);
    expect(variant.apply(IMAGE).data).not.toEqual(IMAGE.data);
    expect(variant.apply(IMAGE)).toEqual(variant.apply(IMAGE));
  });

  it('keep grey grey, and have one name for one look', () => {
    const random = seededRandom(1);
    const looks = new Map<string, string>();
    for (let i = 0; i < 200; i++) {
      const drawn = drawAugmentation({ flip: true, jitter: 3 }, random);
      if (!drawn) continue;
      const look = drawn.variant.apply(IMAGE).data.join();
      expect(looks.get(drawn.variant.name) ?? look).toBe(look);
      looks.set(drawn.variant.name, look);
    }
    expect(looks.size).toBe(7); // 2 x 4 without the unchanged one
    expect(new Set(looks.values()).size).toBe(7);
    const grey: Raster = { data: new Uint8Array(3).fill(90), width: 1, height: 1, channels: 3 };
    const { data } = always(drawAugmentation({ jitter: 1 }, scripted(0.9))).variant.apply(grey);
    expect(new Set(data).size).toBe(1);
  });
});
