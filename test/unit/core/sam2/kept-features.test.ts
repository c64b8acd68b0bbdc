/** What SAM 2 sees of an image, finer maps included, on every way it is kept or sent: on disk, between processes, between threads. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { sceneWith } from '../../../../src/scenes/scene-with.ts';
import { parseSafetensors, safetensorsBytes, type TensorToWrite } from '../../../../src/core/checkpoint/formats/safetensors.ts';
import type { Engine } from '../../../../src/core/engine/types.ts';
import { createEngine } from '../../../../src/index.ts';
import { openModel } from '../../../../src/core/checkpoint/model-folder.ts';
import { SAM2_HIERA_TINY, SAM_VIT_B, type SamConfig } from '../../../../src/core/networks/config.ts';
import { featureBytes } from '../../../../src/core/onnx/model-graphs.ts';
import { createNetworks } from '../../../../src/core/onnx/networks.ts';
import type { Tensor } from '../../../../src/core/onnx/session.ts';
import { nodeRuntime } from '../../../../src/core/runtime/node/ort-node.ts';
import { writeSam2Folder } from './sam2-folder.ts';

const root = mkdtempSync(join(tmpdir(), 'prosam-sam2-kept-'));
afterAll(() => {
  rmSync(root, { recursive: true, force: true });
});

let seed = 30;
const [reference, target] = [sceneWith(17, () => seed++), sceneWith(17, () => seed++)];

/** Masks by every method and of a click, as numbers. */
async function everything(engine: Engine) {
  const masks = [];
  for (const method of engine.info.methods) {
    const { masks: found, cached } = await engine.predict(target.image, [{ image: reference.image, mask: reference.truth }], { method });
    masks.push({ cached, mask: found[0]?.mask, low: found[0]?.lowResLogits });
  }
  const { masks: refined } = await engine.refine(target.image, { points: [[100, 120]] });
  return { masks, refined };
}

/** In a process that ends with the call. */
async function inItsOwnProcess(model: string, cacheDir?: string) {
  await using engine = await createEngine({ model, device: 'cpu', threads: 1, ...(cacheDir !== undefined && { cacheDir }) });
  return await everything(engine);
}

describe.each(['sam', 'dino'] as const)('features of SAM 2 with the backbone %s', (backbone) => {
  it('give the same masks out of the folder of another process, bit by bit', async () => {
    const model = await writeSam2Folder(join(root, backbone), { backbone });
    const cacheDir = join(root, `${backbone}-features`);
    const [computed, kept] = [await inItsOwnProcess(model, cacheDir), await inItsOwnProcess(model, cacheDir)];
    expect(computed.masks.map(({ cached }) => cached)).toEqual(computed.masks.map((_, i) => i > 0));
    expect(kept.masks.every(({ cached }) => cached)).toBe(true);
    expect(kept.masks.map(({ mask, low }) => ({ mask, low }))).toEqual(computed.masks.map(({ mask, low }) => ({ mask, low })));
    expect(kept.refined).toEqual(computed.refined);
    expect(kept.refined.map(({ objectScore }) => objectScore)).toEqual([expect.any(Number), expect.any(Number), expect.any(Number)]);
    expect((await inItsOwnProcess(model)).refined).toEqual(computed.refined);
  });

  it('hold the embedding and both finer maps, whose values are those the masks come from', async () => {
    const model = await writeSam2Folder(join(root, `${backbone}-parts`), { backbone });
    const cacheDir = join(root, `${backbone}-parts-features`);
    const computed = await inItsOwnProcess(model, cacheDir);
    const files = readdirSync(cacheDir).map((file) => ({ file, bytes: readFileSync(join(cacheDir, file)) }));
    const shapes = files.map(({ file, bytes }) => {
      const { tensors } = parseSafetensors(bytes, file);
      return Object.fromEntries([...tensors].map(([name, { shape }]) => [name, shape.join()]));
    });
    const finer = { highRes0: '1,1024,4', highRes1: '1,256,8' };
    const [mine, other] = backbone === 'sam' ? [{ mid: '1,128,8,8', high: '1,32,8,8', ...finer }, undefined] : [{ embedding: '1,32,8,8', ...finer }, 'mid']; // prettier-ignore
    expect(shapes).toContainEqual(mine);
    if (other !== undefined) expect(shapes.filter((one) => other in one)).toHaveLength(2);

    // Each of the maps decides: a change of it on the disk is seen in the masks.
    for (const name of ['highRes0', 'highRes1']) {
      for (const { file, bytes } of files) {
        const { tensors, metadata } = parseSafetensors(bytes, file);
        const changed = [...tensors].map(([key, { dtype, shape, offset, byteLength }]): [string, TensorToWrite] => {
          const values = bytes.subarray(offset, offset + byteLength);
          return [key, { dtype, shape, bytes: key === name ? new Uint8Array(byteLength) : values }];
        });
        writeFileSync(join(cacheDir, file), safetensorsBytes(Object.fromEntries(changed), metadata));
      }
      const without = await inItsOwnProcess(model, cacheDir);
      expect(without.masks[0]?.cached).toBe(true);
      expect(without.refined[0]?.lowResLogits).not.toEqual(computed.refined[0]?.lowResLogits);
    }
  });
});

it.each(['sam', 'dino', 'resnet'] as const)('what an image takes is known before there is one, with the backbone %s', async (backbone) => {
  const model = await openModel(await writeSam2Folder(join(root, `${backbone}-bytes`), { backbone }));
  const networks = createNetworks(model, nodeRuntime({ threads: 1 }));
  const seen = [await networks.encodeBackbone(target.image), ...(networks.samIsBackbone ? [] : [await networks.encodeSam(target.image)])];
  await networks.close();
  const bytes = seen.flatMap((part) => Object.values(part) as Tensor[]).reduce((sum, { data }) => sum + data.byteLength, 0);
  expect(featureBytes(model.manifest)).toBe(bytes);
});

it('what an image takes at full size is four times of SAM 2 what it is of SAM, the blocks left aside', () => {
  const ofEmbedding = (config: SamConfig, width: number): number =>
    featureBytes({ sam: { config }, backbone: { kind: 'sam', midBlocks: [0] } } as never) - 4 * 4096 * width;
  expect([ofEmbedding(SAM_VIT_B, 768), ofEmbedding(SAM2_HIERA_TINY, 384)]).toEqual([4_194_304, 16_777_216]);
});
