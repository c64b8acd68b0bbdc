/** Checkpoints as others publish them: opened in place, under our names, and described by nothing but themselves. */
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { backboneTensors } from '../../../../src/core/checkpoint/names/backbone.ts';
import type { CheckpointTensors } from '../../../../src/core/checkpoint/checkpoint.ts';
import { ownBackboneSchema, samConfigSchema } from '../../../../src/core/checkpoint/config-schema.ts';
import { describeBackbone } from '../../../../src/core/models/detect-backbone.ts';
import { describePromptEncoder } from '../../../../src/core/models/detect-prompt-encoder.ts';
import { describeSam } from '../../../../src/core/models/detect-sam.ts';
import { openCheckpoint } from '../../../../src/core/checkpoint/open-checkpoint.ts';
import { promptEncoderTensors } from '../../../../src/core/checkpoint/names/prompt-encoder.ts';
import { readFloatTensors } from '../../../../src/core/checkpoint/read-tensors.ts';
import { samTensors } from '../../../../src/core/checkpoint/names/sam.ts';
import { MOBILE_SAM, SAM_VIT_B, SAM_VIT_H, SAM_VIT_L } from '../../../../src/core/networks/config.ts';
import { tensorsNeeded } from '../../../../src/core/onnx/emit.ts';
import { decodePointsGraph, decodePromptsGraph, imageEncoderGraph } from '../../../../src/core/onnx/model-graphs.ts';
import { writeSafetensors, writeShards, writeTorch, type TensorSource } from '../../../golden/checkpoint-writers.ts';
import { dinov2OfTransformers, promptEncoderOfVrpSam, resnetOfVrpSam, samOfTransformers } from '../../../golden/foreign-names.ts';
import { openGoldenSet, readTensors } from '../../../golden/golden-set.ts';
import { expectCode, expectRejection } from '../expect-error.ts';

const GOLDEN = 'test/golden/data';
const { weights } = openGoldenSet(GOLDEN).manifest;
const folder = mkdtempSync(join(tmpdir(), 'prosam-published-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
let places = 0;
const place = (name: string): string => join(folder, `${places++}-${name}`);
const newFolder = (): string => {
  const path = place('folder');
  mkdirSync(path);
  return path;
};

/** Tensors of a golden network as sources for a writer. */
function sourcesOf(name: string): TensorSource[] {
  const file = weights[name]?.file as string;
  return [...readTensors(join(GOLDEN, file))].map(([key, { data, shape }]) => ({
    name: key,
    shape,
    values: () => Float32Array.from(data),
  }));
}

/** Same names, same shapes, same values; a list of names that may be missing. */
async function expectSame(path: string, tensorsOf: (tensors: CheckpointTensors) => CheckpointTensors, name: string): Promise<void> {
  const checkpoint = await openCheckpoint(path);
  const values = await readFloatTensors({ ...checkpoint, tensors: tensorsOf(checkpoint.tensors) });
  const wanted = sourcesOf(name);
  expect([...values.keys()].sort()).toEqual(wanted.map((one) => one.name).sort());
  for (const one of wanted) expect(values.get(one.name), one.name).toEqual({ data: one.values(), shape: one.shape });
}

const sam = (tensors: CheckpointTensors): CheckpointTensors => samTensors(tensors, 'sam');
const backbone = (tensors: CheckpointTensors): CheckpointTensors => backboneTensors(tensors, 'backbone').tensors;
const promptEncoder = (tensors: CheckpointTensors): CheckpointTensors => promptEncoderTensors(tensors, 'encoder').tensors;

describe('SAM', () => {
  it('is read from a file of torch.save, from Hugging Face’s model, whole or in shards, and from a larger model’s file', async () => {
    const own = sourcesOf('sam');
    const torch = place('sam.pth');
    writeTorch(torch, own);
    await expectSame(torch, sam, 'sam');

    const whole = place('model.safetensors');
    writeSafetensors(whole, samOfTransformers(own));
    await expectSame(whole, sam, 'sam');

    const shards = newFolder();
    writeShards(shards, samOfTransformers(own), 3);
    await expectSame(join(shards, 'model.safetensors.index.json'), sam, 'sam');
    await expectSame(shards, sam, 'sam'); // the folder stands for the checkpoint in it

    const inside = place('larger.safetensors');
    const other: TensorSource = { name: 'optimizer.step', shape: [1], values: () => Float32Array.of(7) };
    writeSafetensors(inside, [...own.map((one) => ({ ...one, name: `model.sam.${one.name}` })), other]);
    await expectSame(inside, sam, 'sam');
  });

  it('may have its position matrix under either of the two names transformers ties', async () => {
    const path = place('tied.safetensors');
    const tied = samOfTransformers(sourcesOf('sam')).map((one) =>
      one.name === 'prompt_encoder.shared_embedding.positional_embedding'
        ? { ...one, name: 'shared_image_embedding.positional_embedding' }
        : one,
    );
    writeSafetensors(path, tied);
    await expectSame(path, sam, 'sam');
  });

  it('is described by names and shapes, all but the heads of its decoder', async () => {
    const path = place('sam.pth');
    writeTorch(path, sourcesOf('sam'));
    const { tensors } = await openCheckpoint(path);
    const config = samConfigSchema.parse(weights['sam']?.config);
    expect(describeSam(sam(tensors), path, { decoderHeads: config.decoderHeads })).toEqual(config);
    expect(describeSam(sam(tensors), path).decoderHeads).toBe(8);
  });

  it.each([
    ['ViT-B', SAM_VIT_B],
    ['ViT-L', SAM_VIT_L],
    ['ViT-H', SAM_VIT_H],
    ['MobileSAM', MOBILE_SAM],
  ] as const)('%s is recognised by what its networks ask for', (_, config) => {
    const parts = { sam: { config }, backbone: { kind: 'sam', midBlocks: [0] } } as unknown as Parameters<typeof imageEncoderGraph>[0];
    const needed = tensorsNeeded(imageEncoderGraph(parts), decodePromptsGraph(parts), decodePointsGraph(parts, true));
    const tensors = new Map([...needed].map(([name, shape]) => [name, { dtype: 'F32', shape, byteLength: 0, parts: [] } as never]));
    expect(describeSam(samTensors(tensors, 'sam'), 'sam')).toEqual(config);
  });

  it('is not taken for something else, nor something else for it', async () => {
    for (const name of ['backbone_resnet_deep', 'backbone_dinov2', 'prompt_encoder_resnet']) {
      const path = place(`${name}.safetensors`);
      writeSafetensors(path, sourcesOf(name));
      const { tensors } = await openCheckpoint(path);
      expectCode('CHECKPOINT_MISMATCH', () => samTensors(tensors, path), 'expected a SAM checkpoint', 'tensors (');
    }
    const path = place('sam.pth');
    writeTorch(path, sourcesOf('sam'));
    const { tensors } = await openCheckpoint(path);
    expectCode('CHECKPOINT_MISMATCH', () => backboneTensors(tensors, path), 'expected a backbone');
    expectCode('CHECKPOINT_MISMATCH', () => promptEncoderTensors(tensors, path), 'expected a prompt encoder');
    const cut = new Map([...sam(tensors)].filter(([name]) => name !== 'image_encoder.blocks.0.mlp.lin1.weight'));
    expectCode('CHECKPOINT_MISMATCH', () => describeSam(cut, path), 'image_encoder.blocks.0.mlp.lin1.weight');
  });
});

describe('backbones', () => {
  const BACKBONES = ['backbone_resnet_deep', 'backbone_resnet_plain', 'backbone_vgg', 'backbone_dinov2'];
  it.each(BACKBONES)('%s is read from torch.save, with a prefix, and described by itself', async (name) => {
    const path = place('backbone.pth');
    writeTorch(path, sourcesOf(name).map((one) => ({ ...one, name: `module.${one.name}` }))); // prettier-ignore
    await expectSame(path, backbone, name);
    const named = backboneTensors((await openCheckpoint(path)).tensors, path);
    const described = describeBackbone(named.kind, named.tensors, path);
    const config = ownBackboneSchema.parse({ image_size: 512, ...weights[name]?.config });
    // Shapes tell neither DINOv2's heads nor where its maps are taken, nor which strides ResNet runs with.
    const told = { ...('numHeads' in config && { numHeads: config.numHeads, stageEnds: config.stageEnds }), ...('dilate' in config && { dilate: config.dilate }) }; // prettier-ignore
    expect({ ...described, ...told, imageSize: config.imageSize }).toEqual(config);
  });

  it('DINOv2 is read under the names of transformers, query, key and value put together', async () => {
    const path = place('model.safetensors');
    writeSafetensors(path, dinov2OfTransformers(sourcesOf('backbone_dinov2')));
    await expectSame(path, backbone, 'backbone_dinov2');
    const lacking = place('lacking.safetensors');
    writeSafetensors(lacking, dinov2OfTransformers(sourcesOf('backbone_dinov2')).filter(({ name }) => name !== 'encoder.layer.1.attention.attention.key.weight')); // prettier-ignore
    const { tensors } = await openCheckpoint(lacking);
    expectCode('CHECKPOINT_MISMATCH', () => backboneTensors(tensors, lacking), 'block 1');
  });

  it('ResNet is read from a VRP-SAM checkpoint, beside the prompt encoder saved along', async () => {
    const path = place('vrp-sam.pt');
    writeTorch(path, [...resnetOfVrpSam(sourcesOf('backbone_resnet_deep')), ...promptEncoderOfVrpSam(sourcesOf('prompt_encoder_resnet'))]);
    await expectSame(path, backbone, 'backbone_resnet_deep');
    await expectSame(path, promptEncoder, 'prompt_encoder_resnet');
    const { leftOut } = promptEncoderTensors((await openCheckpoint(path)).tensors, path);
    expect(leftOut).toContain('layer0.0.weight');
  });

  it('what only looks like one is refused', () => {
    const like = (names: Record<string, number[]>): CheckpointTensors =>
      new Map(
        Object.entries(names).map(([name, shape]) => [
          name,
          { dtype: 'F32', shape, byteLength: 0, parts: [{ file: 'x', offset: 0, byteLength: 0, shape }] },
        ]),
      );
    const basic = like({ 'conv1.weight': [64, 3, 7, 7], 'layer1.0.conv1.weight': [64, 64, 3, 3] });
    expectCode('CHECKPOINT_MISMATCH', () => describeBackbone('resnet', basic, 'x'), 'bottleneck');
    const vgg = like({ 'features.0.weight': [64, 3, 3, 3], 'features.7.weight': [64, 64, 3, 3] });
    expectCode('CHECKPOINT_MISMATCH', () => describeBackbone('vgg', vgg, 'x'), 'five stages');
  });
});

describe('prompt encoders', () => {
  it('describe themselves, with the paper’s settings for what shapes do not tell', async () => {
    const path = place('encoder.safetensors');
    writeSafetensors(path, sourcesOf('prompt_encoder_resnet'));
    const named = promptEncoderTensors((await openCheckpoint(path)).tensors, path);
    const [dim, midChannels] = named.tensors.get('reduce.weight')?.shape as [number, number];
    const against = { sam: '0'.repeat(64) };
    expect(describePromptEncoder(named, path, against)).toMatchObject({
      config: { dim, midChannels, numHeads: 4, maskGain: 10, probabilistic: true },
      distribution: 'student_t',
      nu: 5,
      trained_against: against,
    });
    const headless = { ...named, tensors: new Map([...named.tensors].filter(([name]) => !name.includes('_head.'))) };
    expect(describePromptEncoder(headless, path, against)).toMatchObject({
      config: { probabilistic: false },
      distribution: 'deterministic',
    });
  });
});

describe('shards', () => {
  const write = (): string => {
    const shards = newFolder();
    writeShards(shards, sourcesOf('backbone_vgg'), 2);
    return shards;
  };
  const LIST = 'model.safetensors.index.json';
  const withList = (map: Record<string, unknown>): string => {
    const shards = write();
    writeFileSync(join(shards, LIST), JSON.stringify({ weight_map: map }));
    return join(shards, LIST);
  };

  it('may be links into another folder, as in the cache of the hub', async () => {
    const blobs = write();
    const snapshot = newFolder();
    for (const name of [LIST, 'model-00001-of-00002.safetensors', 'model-00002-of-00002.safetensors'])
      symlinkSync(join(blobs, name), join(snapshot, name));
    await expectSame(join(snapshot, LIST), backbone, 'backbone_vgg');
    const elsewhere = newFolder();
    writeShards(elsewhere, sourcesOf('backbone_vgg'), 2);
    rmSync(join(snapshot, 'model-00002-of-00002.safetensors'));
    symlinkSync(join(elsewhere, 'model-00002-of-00002.safetensors'), join(snapshot, 'model-00002-of-00002.safetensors'));
    await expectSame(join(snapshot, LIST), backbone, 'backbone_vgg'); // two folders: read below the one both lie in
  });

  it('whose list leads out of the folder, lies or is no list are refused', async () => {
    for (const name of ['../secret', '/etc/passwd', 'a/b', '..', '', '.hidden'])
      await expectRejection('CHECKPOINT_INVALID', openCheckpoint(withList({ 'features.0.weight': name })), 'list of shards');
    await expectRejection('CHECKPOINT_INVALID', openCheckpoint(withList({})), 'no tensors');
    await expectRejection('CHECKPOINT_INVALID', openCheckpoint(withList({ 'no.such': 'model-00001-of-00002.safetensors' })), 'no file');
    await expectRejection('MODEL_NOT_FOUND', openCheckpoint(withList({ 'features.0.weight': 'gone.safetensors' })), 'gone.safetensors');
    const damaged = write();
    writeFileSync(join(damaged, LIST), '{');
    await expectRejection('CHECKPOINT_INVALID', openCheckpoint(damaged), 'not JSON');
    writeFileSync(join(damaged, LIST), Buffer.alloc((16 << 20) + 1, ' '));
    await expectRejection('CHECKPOINT_INVALID', openCheckpoint(damaged), 'at most');
    const missing = write();
    rmSync(join(missing, 'model-00002-of-00002.safetensors'));
    await expectRejection('MODEL_NOT_FOUND', openCheckpoint(missing), 'model-00002-of-00002.safetensors');
  });

  it('a folder without weights says what it looks for; a link that turns in a circle does not hang', async () => {
    await expectRejection('MODEL_NOT_FOUND', openCheckpoint(newFolder()), 'model.safetensors');
    const circle = newFolder();
    symlinkSync(join(circle, 'b.safetensors'), join(circle, 'a.safetensors'));
    symlinkSync(join(circle, 'a.safetensors'), join(circle, 'b.safetensors'));
    await expectRejection('MODEL_NOT_FOUND', openCheckpoint(join(circle, 'a.safetensors')), 'a.safetensors');
  });
});
