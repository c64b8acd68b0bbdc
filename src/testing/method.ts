/** Tests of a way to predict masks. */
import { isProsamError } from '../core/common/errors.ts';
import { iou } from '../core/mask/metrics.ts';
import type { Engine, MaskPrediction, Method, PixelImage, Prediction, PredictOptions } from '../core/engine/types.ts';
import { equal, ok, rejects } from './checks.ts';
import { areaOf, referenceOf, testImage } from './test-images.ts';
import type { TestRunner } from './test-runner.ts';

export interface MethodTestOptions {
  /** Opens an engine that has the method; closed at the end. */
  engine: () => Promise<Engine>;
  method: Method;
  /** Least IoU on the reference's own image, 0 to 1: no method should lose an object it is shown. @default 0.5 */
  minOwnIou?: number;
}

const TIMEOUT_MS = 120_000;

/**
 * The suite of a method: same seed, same masks; shapes and ranges of what it returns; references that mark nothing, everything or one
 * cell; calls that are given up.
 * @example testMethod({ afterAll, beforeAll, describe, it }, { engine: () => createEngine({ device: 'cpu' }), method: 'persam' });
 */
export function testMethod(tests: TestRunner, { engine: open, method, minOwnIou = 0.5 }: MethodTestOptions): void {
  const { describe, beforeAll, afterAll } = tests;
  const it = (name: string, run: () => Promise<void>): void => tests.it(name, run, TIMEOUT_MS);

  describe(`the method ${method}`, () => {
    let engine: Engine;
    beforeAll(async () => {
      engine = await open();
    });
    afterAll(() => engine.close());
    const [first, second, target] = [testImage(1), testImage(100), testImage(200, 96)];
    const predict = (image: PixelImage, references = [referenceOf(first)], options: PredictOptions = {}) =>
      engine.predict(image, references, { method, seed: 7, threshold: 0, ...options });

    it('finds the object in the image it was marked in', async () => {
      const { masks } = await predict(first.image);
      const found = iou(onlyOne(masks).mask.data, first.mask.data);
      ok(found >= minOwnIou, `expected an IoU of at least ${minOwnIou} with the reference's own mask, got ${found}`);
    });

    it('returns one mask a label, at the size of the target, with its area and box', async () => {
      const references = [referenceOf(first, 'b'), referenceOf(second, 'a'), referenceOf(second, 'b')];
      const wide = cropped(target.image, 96, 40);
      for (const image of [target.image, wide]) {
        const prediction = await predict(image, references, { instances: true, uncertaintyMap: true });
        equal([prediction.width, prediction.height], [image.width, image.height]);
        equal(
          prediction.masks.map(({ label }) => label),
          ['b', 'a'],
        );
        for (const mask of prediction.masks) checkMask(mask, image, method);
      }
    });

    it('says the same again with the same seed, also when several are asked at once', async () => {
      const references = [referenceOf(first), referenceOf(second)];
      const one = withoutTimes(await predict(target.image, references));
      const others = await Promise.all([predict(target.image, references), predict(second.image), predict(target.image, references)]);
      equal(withoutTimes(others[0]), one);
      equal(withoutTimes(others[2]), one);
    });

    it('leaves what it was given as it was', async () => {
      const references = [referenceOf(first)];
      const before = structuredClone({ target: target.image, references });
      await predict(target.image, references);
      equal({ target: target.image, references }, before);
    });

    it('refuses references that mark nothing', async () => {
      const { width, height } = first.mask;
      const nothing = { image: first.image, mask: { data: new Uint8Array(width * height), width, height } };
      await rejects('MASK_EMPTY', predict(target.image, [referenceOf(nothing)]));
      await rejects('REFERENCE_MISSING', predict(target.image, []));
    });

    it('answers or refuses in words where a reference marks everything, or next to nothing', async () => {
      const { width, height } = first.mask;
      const everything = new Uint8Array(width * height).fill(1);
      const dot = new Uint8Array(width * height);
      dot[(height / 2) * width + width / 2] = 1;
      for (const data of [everything, dot]) {
        const reference = referenceOf({ image: first.image, mask: { data, width, height } });
        const prediction = await predict(target.image, [reference]).catch((error: unknown) => error);
        if (isProsamError(prediction)) continue;
        if (prediction instanceof Error) throw prediction;
        checkMask(onlyOne((prediction as Prediction).masks), target.image, method);
      }
    });

    it('ends when it is told to, and goes on with the next call', async () => {
      const reason = new Error('given up');
      const before = predict(target.image, undefined, { signal: AbortSignal.abort(reason) });
      equal(await before.catch((error: unknown) => error), reason);
      const controller = new AbortController();
      const during = predict(testImage(300).image, undefined, { signal: controller.signal }).catch((error: unknown) => error);
      controller.abort(reason);
      equal(await during, reason);
      checkMask(onlyOne((await predict(target.image)).masks), target.image, method);
    });
  });
}

/** Shape, area, box and ranges of a mask. */
function checkMask(found: MaskPrediction, image: { width: number; height: number }, method: Method): void {
  const { mask, area, boxXyxy, instances, uncertaintyMap } = found;
  equal(found.method, method);
  equal([mask.width, mask.height, mask.data.length], [image.width, image.height, image.width * image.height]);
  ok(
    mask.data.every((value) => value === 0 || value === 1),
    'expected a mask of zeros and ones',
  );
  equal(area, areaOf(mask));
  equal(boxXyxy, boxOf(mask.data, mask.width));
  const { score: whole } = found.quality;
  ok(whole >= 0 && whole <= 1, `expected a score of 0 to 1, got ${whole}`);
  if (uncertaintyMap) equal(uncertaintyMap.length, mask.data.length);
  for (const { area: part, score } of instances ?? []) ok(part > 0 && part <= area && score >= 0 && score <= 1);
}

function boxOf(data: Uint8Array, width: number): number[] | undefined {
  let box: [number, number, number, number] | undefined;
  for (const [at, value] of data.entries()) {
    if (value === 0) continue;
    const [x, y] = [at % width, Math.floor(at / width)];
    const [x0, y0, x1, y1] = box ?? [x, y, x, y];
    box = [Math.min(x0, x), Math.min(y0, y), Math.max(x1, x + 1), Math.max(y1, y + 1)];
  }
  return box;
}

function onlyOne(masks: readonly MaskPrediction[]): MaskPrediction {
  equal(masks.length, 1);
  return masks[0] as MaskPrediction;
}

/** Upper left corner of an image. */
function cropped({ data, width: full, channels = 3 }: PixelImage, width: number, height: number): PixelImage {
  const rows = Array.from({ length: height }, (_, y) => data.subarray(y * full * channels, (y * full + width) * channels));
  return { data: new Uint8Array(rows.flatMap((row) => [...row])), width, height, channels };
}

function withoutTimes({ masks, width, height }: Prediction): unknown {
  return { masks, width, height };
}
