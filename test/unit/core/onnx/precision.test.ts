/** Half precision and whole numbers of 8 bits against single precision, on the built-in model and on weights stored in other ways. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { sceneWith } from '../../../../src/scenes/scene-with.ts';
import { openModel } from '../../../../src/core/checkpoint/model-folder.ts';
import type { VitConfig } from '../../../../src/core/networks/config.ts';
import { measureAgreement, type AnnotatedImage } from '../../../../src/core/models/compare-precision.ts';
import { emitWithFile } from '../../../../src/core/onnx/emit.ts';
import { imageEncoderGraph } from '../../../../src/core/onnx/model-graphs.ts';
import { createNetworks } from '../../../../src/core/onnx/networks.ts';
import { nodeRuntime } from '../../../../src/core/runtime/node/ort-node.ts';
import { openEngine } from '../../../../src/core/runtime/node/open-engine.ts';
import type { Precision } from '../../../../src/core/onnx/precision.ts';
import { expectRejection } from '../expect-error.ts';
import { writeModelFolder } from '../runtime/model-folder-of.ts';

const root = mkdtempSync(join(tmpdir(), 'prosam-precision-'));
afterAll(() => {
  rmSync(root, { recursive: true, force: true });
});

let seed = 50;
const pictures: AnnotatedImage[] = [3, 3, 7, 7].map((concept) => {
  const { image, truth } = sceneWith(concept, () => seed++);
  return { image, mask: truth };
});

async function agreement(folder: string, precision: Precision, { reference = folder, seen = pictures } = {}) {
  const model = await openModel(folder);
  const whole = createNetworks(await openModel(reference), nodeRuntime({ threads: 1 }));
  const other = createNetworks(model, nodeRuntime({ threads: 1 }), { precision });
  try {
    return await measureAgreement(model, whole, other, [seen]);
  } finally {
    await whole.close();
    await other.close();
  }
}

describe('precision', () => {
  it('agrees with itself', async () => {
    const same = await agreement('models/tiny', 'fp32');
    expect(same.embedding).toMatchObject({ maxAbs: 0, maxRelative: 0, rms: 0 });
    expect(same.embedding.cosine).toBeCloseTo(1, 12);
    expect(same.predictionIou).toEqual({ mean: 1, worst: 1 });
  });

  it('fp16 differs by a thousandth, on a CPU too', async () => {
    const { embedding, mid, high, maskIou, predictionIou } = await agreement('models/tiny', 'fp16');
    for (const map of [embedding, mid, high]) {
      expect(map.cosine).toBeGreaterThan(0.99999);
      expect(map.maxRelative).toBeLessThan(3e-3);
    }
    expect(embedding.maxAbs).toBeGreaterThan(1e-5); // it really was another precision
    expect(maskIou.worst).toBeGreaterThan(0.99);
    expect(predictionIou?.worst).toBeGreaterThan(0.98);
  });

  it('int8 differs by a hundredth, and the masks by a few pixels', async () => {
    const { embedding, mid, maskIou, predictionIou } = await agreement('models/tiny', 'int8');
    expect(embedding.cosine).toBeGreaterThan(0.9998);
    expect(mid.cosine).toBeGreaterThan(0.9995);
    expect(embedding.maxAbs).toBeGreaterThan(0.005);
    expect(maskIou.mean).toBeGreaterThan(0.97);
    expect(predictionIou?.mean).toBeGreaterThan(0.97);
  });

  it.each(['fp16', 'int8'] as const)('computes in %s whatever the weights are stored in, with every backbone', async (precision) => {
    for (const backbone of ['resnet', 'vgg', 'dino'] as const) {
      const parts = { backbone, resize: 'stretch', withPromptEncoder: true } as const;
      const single = writeModelFolder(join(root, `${backbone}-single`), { ...parts, half: false });
      const half = writeModelFolder(join(root, `${backbone}-half`), { ...parts, half: true });
      for (const folder of [single, half]) {
        const { embedding, mid, high } = await agreement(folder, precision, { reference: single, seen: pictures.slice(0, 1) });
        for (const map of [embedding, mid, high]) expect(map.cosine, `${backbone} ${folder}`).toBeGreaterThan(0.998);
      }
    }
  });

  it('reads half precision in place where it computes in it', async () => {
    const folder = writeModelFolder(join(root, 'in-place'), { backbone: 'resnet', resize: 'stretch', withPromptEncoder: true, half: true });
    const { manifest, sam } = await openModel(folder);
    const { depth } = manifest.sam.config.encoder as VitConfig;
    const casts = (precision: 'fp32' | 'fp16'): number =>
      Buffer.from(emitWithFile(imageEncoderGraph(manifest), sam, precision).bytes)
        .toString('latin1')
        .split('Cast').length - 1;
    // In fp32 every weight is widened; in fp16 casts stand around norms and softmax alone.
    expect(casts('fp32')).toBeGreaterThan(depth * 10);
    expect(casts('fp16')).toBeLessThan(depth * 20);
  });
});

describe('an engine of another precision', () => {
  it('says so, and is never given features of another one', async () => {
    const cacheDir = join(root, 'cache');
    const cached: boolean[] = [];
    for (const precision of ['fp32', 'int8', 'int8'] as const) {
      const engine = await openEngine({ model: 'tiny', precision, cacheDir, threads: 1 });
      expect(engine.info).toMatchObject({ precision, device: 'cpu', threads: { count: 1, by: 'caller' } });
      const { image, mask } = pictures[0] as AnnotatedImage;
      const pixels = { ...image, channels: 3 as const };
      const references = [{ image: pixels, mask }];
      cached.push((await engine.predict(pixels, references, { method: 'prosam' })).cached);
      await engine.close();
    }
    expect(cached).toEqual([false, false, true]);
  });

  it('is refused where it cannot be', async () => {
    await expectRejection('OPTION_INVALID', openEngine({ precision: 'int8', device: 'webgpu' }), 'fp16');
    await expectRejection('OPTION_INVALID', openEngine({ precision: 'fp64' as 'fp32' }), 'fp32, fp16, int8');
  });
});
