/** What SAM 2 sees of an image, finer maps included, on every way it is kept or sent: on disk, between processes, between threads. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { sceneWith } from '../../../../src/cli/demo/scenes.ts';
import { parseSafetensors, safetensorsBytes, type TensorToWrite } from '../../../../src/core/checkpoint/formats/safetensors.ts';
import { createEngine, type Engine, type Precision } from '../../../../src/index.ts';
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
async function inItsOwnProcess(model: string, cacheDir?: string, precision: Precision = 'fp32') {
  await using engine = await createEngine({ model, device: 'cpu', threads: 1, precision, ...(cacheDir !== undefined && { cacheDir }) });
  return await everything(engine);
}

describe.each(['sam', 'dino'] as const)('features of SAM 2 with the backbone %s', (backbone) => {
  it('give the same masks out of the folder of another process, bit by bit', async () => {
    const model = await writeSam2Folder(join(root, backbone), { backbone });
    const cacheDir = join(root, `${backbone}-features`);
    const [computed, kept] = [await inItsOwnProcess(model, cacheDir), await inItsOwnProcess(model, cacheDir)];
    expect(computed.masks.map(({ cached }) => cached)).toEqual([false, true, true]);
    expect(kept.masks.map(({ cached }) => cached)).toEqual([true, true, true]);
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
