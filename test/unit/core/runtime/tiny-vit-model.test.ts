/** A model whose image encoder is TinyViT, from the folder to a mask, and as its own backbone. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { openModel } from '../../../../src/core/checkpoint/model-folder.ts';
import { checkModelWeights, createNetworks } from '../../../../src/core/onnx/networks.ts';
import { nodeRuntime } from '../../../../src/core/runtime/node/ort-node.ts';
import { openEngine } from '../../../../src/core/runtime/node/open-engine.ts';
import { expectCode } from '../expect-error.ts';
import { writeTinyVitFolder } from './tiny-vit-folder.ts';

const root = mkdtempSync(join(tmpdir(), 'prosam-tiny-vit-'));
afterAll(() => {
  rmSync(root, { recursive: true, force: true });
});

function picture(seed: number) {
  const data = Uint8Array.from({ length: 3 * 90 * 60 }, (_, i) => (((i % 270) * (seed + 3)) ^ (Math.floor(i / 270) * 7)) & 255);
  return { data, width: 90, height: 60, channels: 3 as const };
}

it('predicts, by the methods that need no training', async () => {
  const { folder } = writeTinyVitFolder(join(root, 'predicts'), [0, 2]);
  const engine = await openEngine({ model: folder });
  try {
    for (const method of ['nearest', 'persam'] as const) {
      const reference = { image: picture(1), box: [20, 10, 60, 50] } as const;
      const { masks } = await engine.predict(picture(2), [reference], { method });
      expect(masks[0]?.mask.data).toHaveLength(90 * 60);
    }
  } finally {
    await engine.close();
  }
});

it('gives the maps of the blocks that are asked for, side by side, narrow ones and wide ones', async () => {
  const mids = new Map<string, Float32Array>();
  for (const midBlocks of [[1], [2], [1, 2]]) {
    const model = await openModel(writeTinyVitFolder(join(root, `maps-${midBlocks.join('-')}`), midBlocks).folder);
    checkModelWeights(model);
    const networks = createNetworks(model, nodeRuntime());
    const { mid, embedding } = await networks.encode(picture(1));
    await networks.close();
    expect(embedding.shape).toEqual([1, 32, 8, 8]);
    mids.set(midBlocks.join(), mid.data);
    expect(mid.shape).toEqual([1, midBlocks.reduce((sum, block) => sum + (block < 2 ? 16 : 24), 0), 8, 8]);
  }
  const side = [...(mids.get('1') as Float32Array), ...(mids.get('2') as Float32Array)];
  expect([...(mids.get('1,2') as Float32Array)]).toEqual(side);
});

it('MODEL_INVALID: a block that is not on the grid', async () => {
  const model = await openModel(writeTinyVitFolder(join(root, 'beyond'), [2]).folder);
  const manifest = { ...model.manifest, backbone: { kind: 'sam', midBlocks: [3] } } as const;
  expectCode('MODEL_INVALID', () => checkModelWeights({ ...model, manifest }), 'mid_blocks', 'depth of 3');
});
