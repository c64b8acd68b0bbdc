/** SAM 2's encoder in half precision and in whole numbers of 8 bits, the finer maps included. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sceneWith } from '../../../../src/scenes/scene-with.ts';
import { openModel } from '../../../../src/core/checkpoint/model-folder.ts';
import { FEATURE_MAPS, measureAgreement, type Agreement, type AnnotatedImage } from '../../../../src/core/models/compare-precision.ts';
import { createNetworks, type Networks } from '../../../../src/core/onnx/networks.ts';
import type { Precision } from '../../../../src/core/onnx/precision.ts';
import { openEngine } from '../../../../src/core/runtime/node/open-engine.ts';
import { nodeRuntime } from '../../../../src/core/runtime/node/ort-node.ts';
import { runCli } from '../../cli/run-cli.ts';
import { timeStages } from '../../../../src/cli/doctor/timing.ts';
import type { Tensor } from '../../../../src/core/onnx/session.ts';
import { writeSam2Folder } from './sam2-folder.ts';

const root = mkdtempSync(join(tmpdir(), 'prosam-sam2-precision-'));
const folders = { sam: join(root, 'sam'), dino: join(root, 'dino') };
beforeAll(async () => {
  for (const backbone of ['sam', 'dino'] as const) await writeSam2Folder(folders[backbone], { backbone });
});
afterAll(() => {
  rmSync(root, { recursive: true, force: true });
});

let seed = 50;
const pictures: AnnotatedImage[] = [3, 3, 7].map((concept) => {
  const { image, truth } = sceneWith(concept, () => seed++);
  return { image, mask: truth };
});

async function agreement(folder: string, precision: Precision, spoiled: (networks: Networks) => Networks = (same) => same) {
  const model = await openModel(folder);
  const whole = createNetworks(model, nodeRuntime({ threads: 1 }));
  const other = createNetworks(model, nodeRuntime({ threads: 1 }), { precision });
  try {
    return await measureAgreement(model, whole, spoiled(other), [pictures]);
  } finally {
    await whole.close();
    await other.close();
  }
}

describe.each(['sam', 'dino'] as const)('SAM 2 with the backbone %s', (backbone) => {
  it('differs by a thousandth in fp16', async () => {
    const found = await agreement(folders[backbone], 'fp16');
    for (const name of FEATURE_MAPS) {
      const { cosine, maxRelative, maxAbs } = found[name] as Agreement;
      expect(cosine, name).toBeGreaterThan(0.99999);
      expect(maxRelative, name).toBeLessThan(5e-3);
      expect(maxAbs, name).toBeGreaterThan(1e-5); // it really was another precision
    }
    expect(found.maskIou.worst).toBeGreaterThan(0.97);
    expect(found.predictionIou?.worst).toBeGreaterThan(0.98);
  });

  it('differs by a hundredth in int8', async () => {
    const found = await agreement(folders[backbone], 'int8');
    for (const name of FEATURE_MAPS) expect((found[name] as Agreement).cosine, name).toBeGreaterThan(0.999);
    // Layers too small to gain stay as they are: those of the first stage, here.
    for (const { maxAbs } of [found.embedding, found.highRes1 as Agreement]) expect(maxAbs).toBeGreaterThan(1e-3);
    expect(found.maskIou.mean).toBeGreaterThan(0.95);
    expect(found.predictionIou?.mean).toBeGreaterThan(0.95);
  });
});

describe('the measure of agreement', () => {
  it.each(['highRes0', 'highRes1'] as const)('notices that %s is another one', async (name) => {
    const found = await agreement(folders.sam, 'fp32', (networks) => ({
      ...networks,
      async encode(image) {
        const seen = await networks.encode(image);
        const { data, shape } = seen[name] as Tensor;
        return { ...seen, [name]: { data: data.toReversed(), shape } };
      },
    }));
    for (const map of FEATURE_MAPS) {
      if (map === name) expect(found[map]?.cosine).toBeLessThan(0.9);
      else expect(found[map]?.maxAbs, map).toBe(0);
    }
    expect(found.maskIou.mean).toBeLessThan(0.99);
  });

  it('is what `models verify --precision` prints, and what it passes on', async () => {
    const { code, stdout } = await runCli(['models', 'verify', folders.sam, '--precision', 'fp16', '--threads', '1'], root);
    expect([code, stdout]).toEqual([
      0,
      expect.stringMatching(/fp16 on cpu .* agrees[\s\S]*highRes0 +(1\.0|0\.9999)\d* [\s\S]*highRes1 +(1\.0|0\.9999)\d* /),
    ]);
    const asJson = await runCli(['models', 'verify', folders.dino, '--precision', 'int8', '--threads', '1', '--json'], root);
    expect(JSON.parse(asJson.stdout)).toMatchObject({
      passed: true,
      agreement: { highRes0: { cosine: expect.any(Number) as number }, highRes1: {} },
    });
  });
});

describe('what there is beside it', () => {
  it('times the stages of a prediction for doctor', async () => {
    const timing = await timeStages({ model: folders.sam, device: 'cpu', threads: 1 }, new AbortController().signal);
    expect(timing).toMatchObject({ device: 'cpu', method: 'prosam' });
    expect(timing.model).toMatch(/^small-sam2-sam@/);
    expect(Object.keys(timing.stages)).toEqual(['embed', 'reference', 'prompt', 'decode', 'resize']);
  });

  it('never takes features of one precision for those of another, and clicks in each', async () => {
    const cacheDir = join(root, 'cache');
    const cached: boolean[] = [];
    for (const precision of ['fp32', 'fp16', 'int8', 'int8'] as const) {
      const engine = await openEngine({ model: folders.sam, precision, cacheDir, threads: 1, device: 'cpu' });
      const { image, mask } = pictures[0] as AnnotatedImage;
      const pixels = { ...image, channels: 3 as const };
      cached.push((await engine.predict(pixels, [{ image: pixels, mask }], { method: 'prosam' })).cached);
      expect((await engine.refine(pixels, { points: [[100, 100]] })).masks).toHaveLength(3);
      await engine.close();
    }
    expect(cached).toEqual([false, false, false, true]);
  });
});
