import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Raster } from '../../../../src/core/image/pillow-resize.ts';
import { seededRandom } from '../../../../src/core/common/random.ts';
import { both, drawAugmentation, drawCrop, type DrawnAugmentation } from '../../../../src/training/batches/augment.ts';

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

describe('crops', () => {
  const WIDE: Raster = {
    data: Uint8Array.from({ length: 3 * 30 * 20 }, (_, i) => 100 + 2 * (Math.floor(i / 3) % 30)),
    width: 30,
    height: 20,
    channels: 3,
  };
  const map = { data: Uint8Array.from({ length: 30 * 20 }, (_, i) => i % 30), width: 30, height: 20 };
  const crops = { crops: 3 };

  it('are off by default and draw nothing then', () => {
    const random = (): number => {
      throw new Error('drawn');
    };
    expect(drawCrop(undefined, 'a', random)).toBeUndefined();
    expect(drawCrop({ crops: 0 }, 'a', random)).toBeUndefined();
  });

  it('are a fixed few of each image, so that each is computed once', () => {
    const random = seededRandom(1);
    const looks = new Map<string, string>();
    for (let i = 0; i < 200; i++) {
      const drawn = drawCrop(crops, i % 2 === 0 ? 'a' : 'b', random);
      if (!drawn) continue;
      const look = drawn.variant.apply(WIDE).data.join();
      expect(looks.get(drawn.variant.name) ?? look).toBe(look);
      looks.set(drawn.variant.name, look);
    }
    expect(looks.size).toBe(6);
    expect(new Set(looks.values()).size).toBe(6);
  });

  it('cut image and labels alike', () => {
    const random = seededRandom(2);
    for (let i = 0; i < 40; i++) {
      const { variant, labels } = always(drawCrop({ crops: 16 }, `image ${i}`, () => 0.2 + 0.7 * random()));
      const [image, cut] = [variant.apply(WIDE), labels(map)];
      expect([image.width, image.height]).toEqual([cut.width, cut.height]);
      expect(cut.width * cut.height).toBeGreaterThanOrEqual(0.3 * 600);
      // Grey that grows from left to right still does, or the other way round where both are mirrored.
      const [first, last] = [cut.data[0] as number, cut.data[cut.width - 1] as number];
      const [dark, light] = [image.data[0] as number, image.data[3 * (cut.width - 1)] as number];
      expect(Math.sign(light - dark)).toBe(Math.sign(last - first));
      expect(Math.abs(last - first)).toBe(cut.width - 1);
    }
  });

  it('come after what both images of a pair share', () => {
    const [flip, crop] = [always(drawAugmentation({ flip: true }, scripted(0.4))), always(drawCrop(crops, 'a', scripted(0.9)))];
    const together = always(both(flip, crop));
    expect(together.labels(map)).toEqual(crop.labels(flip.labels(map)));
    expect(together.variant.name).toBe(`mirrored${crop.variant.name}`);
    expect(both(undefined, crop)).toBe(crop);
    expect(both(flip, undefined)).toBe(flip);
  });
});
