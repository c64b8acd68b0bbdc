/** Fine-tunes and relatives of SAM given to `prosam models add`: what is read, what is left out and said, what is refused. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { safetensorsBytes, type TensorToWrite } from '../../../../src/core/checkpoint/formats/safetensors.ts';
import { writeTorch, type TensorSource } from '../../../golden/checkpoint-writers.ts';
import { expectRejection } from '../../core/expect-error.ts';
import { modelsPlace, SAM, sourcesOf } from './place.ts';

const here = modelsPlace();
const { root, models, manifestOf } = here;

const one = (name: string, ...shape: number[]): TensorSource => ({
  ...{ name, shape },
  values: () => new Float32Array(shape.reduce((product, side) => product * side, 1)).fill(0.1),
});

function written(name: string, ...more: TensorSource[]): string {
  const path = join(root, name);
  writeTorch(path, [...sourcesOf(SAM), ...more]);
  return path;
}

describe('prosam models add', () => {
  it('leaves constants and counters out without a word', async () => {
    const file = written(
      'constants.pth',
      ...[one('pixel_mean', 3, 1, 1), one('pixel_std', 3, 1, 1), one('image_encoder.num_batches_tracked', 1)],
      ...[one('image_encoder.blocks.0.attn.relative_position_index', 4), one('prompt_encoder.position_ids', 1, 4)],
    );
    const { code, err } = await models('add', 'constants', '--sam', file);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect((await models('verify', 'constants')).code).toBe(0);
  });

  it('takes a SAM-HQ as the SAM it was trained on, and says so', async () => {
    const file = written(
      'hq.pth',
      ...[one('mask_decoder.hf_token.weight', 1, 32), one('mask_decoder.hf_mlp.layers.0.weight', 32, 32)],
      ...[one('mask_decoder.compress_vit_feat.0.weight', 32, 32, 2, 2), one('mask_decoder.embedding_encoder.0.bias', 8)],
      one('mask_decoder.embedding_maskfeature.0.weight', 4, 4, 3, 3),
    );
    const { code, err } = await models('add', 'hq', '--sam', file);
    expect(code).toBe(0);
    expect(err).toMatch(/SAM-HQ; the 5 tensors of its own token and features are not read/);
    expect((await models('verify', 'hq')).code).toBe(0);
  });

  it('converts numbers of double precision, keeps the copy in the model’s folder, and says so', async () => {
    const tensors = Object.fromEntries(
      sourcesOf(SAM).map(({ name, shape, values }): [string, TensorToWrite] => [
        name,
        { dtype: 'F64', shape, bytes: new Uint8Array(Float64Array.from(values()).buffer) },
      ]),
    );
    const counter: TensorToWrite = { dtype: 'I64', shape: [], bytes: new Uint8Array(8) };
    const file = join(root, 'double.safetensors');
    writeFileSync(file, safetensorsBytes({ ...tensors, 'image_encoder.num_batches_tracked': counter }));
    const { code, err } = await models('add', 'double', '--sam', file);
    expect(code).toBe(0);
    expect(err).toMatch(/double\.safetensors: numbers of double precision; .*copy in single precision/);
    expect(Object.keys(manifestOf('double')['files'] as object)).toContain('sam.safetensors');
    expect(manifestOf('double')['locations'] ?? {}).toEqual({});
    expect((await models('verify', 'double')).code).toBe(0);
  });

  it.each<[name: string, tensor: string, ...words: string[]]>([
    ['LoRA of peft', 'image_encoder.blocks.0.attn.qkv.lora_A.default.weight', 'LoRA', 'merge_and_unload'],
    ['LoRA of SAMed', 'image_encoder.blocks.0.attn.qkv.linear_a_q.weight', 'LoRA'],
    ['LoRA of SAMed, apart', 'w_a_000', 'LoRA'],
    ['Medical SAM Adapter', 'image_encoder.blocks.0.MLP_Adapter.D_fc1.weight', 'adapters between the layers'],
    ['EfficientSAM', 'mask_decoder.final_output_upscaling_layers.0.0.weight', 'an EfficientSAM'],
    ['EdgeSAM', 'image_encoder.features.1.token_mixer.0.weight', 'RepViT-SAM or an EdgeSAM'],
    ['EfficientViT-SAM', 'image_encoder.backbone.stages.0.op_list.0.weight', 'an EfficientViT-SAM'],
    ['FastSAM', 'model.0.conv.weight', 'FastSAM'],
  ])('refuses %s by its tensors, with what to do', async (name, tensor, ...words) => {
    const file = written(`${name.replaceAll(/\W/g, '-')}.pth`, one(tensor, 4, 4));
    await expectRejection('CHECKPOINT_MISMATCH', models('add', 'relative', '--sam', file), tensor, ...words);
  });
});
