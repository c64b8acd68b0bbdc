/** Models the built-in one is not: backbones of their own, other resizings, half precision, no prompt encoder. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { openEngine } from '../../../../src/core/runtime/node/open-engine.ts';
import type { PixelImage, Prediction, PredictOptions, Reference } from '../../../../src/core/engine/types.ts';
import { expectRejection } from '../expect-error.ts';
import { writeModelFolder, type FolderOptions } from './model-folder-of.ts';

const root = mkdtempSync(join(tmpdir(), 'prosam-models-'));
afterAll(() => {
  rmSync(root, { recursive: true, force: true });
});

/** A wide picture: the resizings differ on it. */
function picture(seed: number): PixelImage {
  const data = Uint8Array.from({ length: 3 * 150 * 70 }, (_, i) => (((i % 450) * (seed + 3)) ^ (Math.floor(i / 450) * 7)) & 255);
  return { data, width: 150, height: 70, channels: 3 };
}
const reference: Reference = { image: picture(1), box: [20, 10, 100, 60] };

let folders = 0;
async function predict(options: FolderOptions, asked: PredictOptions): Promise<Prediction> {
  const engine = await openEngine({ model: writeModelFolder(join(root, `m${folders++}`), options) });
  try {
    return await engine.predict(picture(2), [reference], asked);
  } finally {
    await engine.close();
  }
}

const plain = { withPromptEncoder: true, half: false } as const;

describe('a model with a backbone of its own', () => {
  it.each(['resnet', 'vgg', 'dino', 'registers', 'dinov3'] as const)('predicts with %s in every resizing', async (backbone) => {
    const scores = new Set<number>();
    for (const resize of ['aligned', 'stretch', 'longest-side'] as const) {
      const { masks, width, height } = await predict({ backbone, resize, ...plain }, { method: 'prosam', uncertaintyMap: true });
      const [mask] = masks as [Prediction['masks'][number]];
      expect([width, height, mask.mask.data.length, mask.uncertaintyMap?.length]).toEqual([150, 70, 10500, 10500]);
      expect(mask.quality.score).toBeGreaterThanOrEqual(0);
      scores.add(mask.quality.score);
    }
    expect(scores.size).toBe(3); // SAM really saw three different inputs
  });

  it('gives nearly the same in half precision, with the weights widened inside the graph', async () => {
    const whole = await predict({ backbone: 'resnet', resize: 'aligned', ...plain }, { method: 'prosam' });
    const half = await predict({ backbone: 'resnet', resize: 'aligned', ...plain, half: true }, { method: 'prosam' });
    const low = (prediction: Prediction): Float32Array => prediction.masks[0]?.lowResLogits as Float32Array;
    const difference = Math.max(...low(whole).map((value, i) => Math.abs(value - (low(half)[i] as number))));
    expect(difference).toBeGreaterThan(0);
    expect(difference).toBeLessThan(0.1);
  });

  it('is refused as prosam without a prompt encoder, and works by the other methods', async () => {
    const options = { backbone: 'dino', resize: 'stretch', withPromptEncoder: false, half: false } as const;
    await expectRejection(
      'METHOD_UNAVAILABLE',
      predict(options, { method: 'prosam' }),
      'persam or nearest or refined or pieces or pseudo or gf-sam',
    );
    for (const method of ['persam', 'nearest', 'refined', 'pieces', 'pseudo', 'gf-sam'] as const)
      expect((await predict(options, { method })).masks[0]?.method).toBe(method);
    expect(['persam', 'nearest', 'refined', 'pseudo', 'gf-sam']).toContain((await predict(options, {})).masks[0]?.method);
  });
});

describe('SAM alone, padded as SAM pads', () => {
  it('never lets the padding into a result', async () => {
    const { masks } = await predict(
      { backbone: 'sam', resize: 'longest-side', withPromptEncoder: false, half: false },
      { method: 'nearest', uncertaintyMap: true },
    );
    expect(masks[0]?.mask.data).toHaveLength(10500);
    expect(masks[0]?.uncertaintyMap).toHaveLength(10500);
  });
});
