/** Which references the prompt encoder reads. */
import { expect, it } from 'vitest';
import { callContext } from '../../../../../src/core/engine/call-context.ts';
import type { ImageFeatures } from '../../../../../src/core/engine/image-features.ts';
import { mostAlike } from '../../../../../src/core/engine/methods/most-alike.ts';
import type { PreparedReference } from '../../../../../src/core/engine/references.ts';
import { geometryOf } from '../../../../../src/core/image/geometry.ts';
import { IMAGENET } from '../../../../../src/core/image/preprocess.ts';

const networks = { matching: { nearest: { parts: [{ map: 'mid', from: 0 }], compare: 'cells' } } };
const geometry = geometryOf({ resize: 'stretch', samSize: 64, normalisation: IMAGENET });

/** An image that looks the same everywhere: a direction in the plane, in degrees. */
function image(degrees: number): ImageFeatures {
  const [x, y] = [Math.cos((degrees * Math.PI) / 180), Math.sin((degrees * Math.PI) / 180)];
  const map = { data: Float32Array.from([x, x, x, x, y, y, y, y]), shape: [1, 2, 2, 2] };
  return { key: String(degrees), width: 64, height: 64, mid: map, high: map, embedding: map };
}
const references = [80, 10, 50, 0, 30].map(
  (degrees) => ({ key: String(degrees), features: image(degrees) }) as unknown as PreparedReference,
);
const alike = async (degrees: number, count?: number) =>
  (await mostAlike(callContext(undefined, { networks: networks as never, geometry }), image(degrees), references, count)).map(
    ({ key }) => key,
  );

it('takes the references whose images are most like the target, in their order', async () => {
  expect(await alike(8, 2)).toEqual(['10', '0']);
  expect(await alike(60, 3)).toEqual(['80', '50', '30']);
});

it('takes all where no number is asked for, or not more are there', async () => {
  for (const count of [undefined, 5, 9]) expect(await alike(8, count)).toEqual(['80', '10', '50', '0', '30']);
});
