/** The full-size models as a user has them on the first day: whose file it is, how it is written, and what it must be recognised as. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { backboneTensors } from '../../src/core/checkpoint/names/backbone.ts';
import type { Checkpoint, CheckpointTensors } from '../../src/core/checkpoint/checkpoint.ts';
import { describeBackbone } from '../../src/core/models/detect-backbone.ts';
import { describePromptEncoder } from '../../src/core/models/detect-prompt-encoder.ts';
import { describeSam } from '../../src/core/models/detect-sam.ts';
import { openCheckpoint } from '../../src/core/checkpoint/open-checkpoint.ts';
import { promptEncoderTensors } from '../../src/core/checkpoint/names/prompt-encoder.ts';
import { samTensors } from '../../src/core/checkpoint/names/sam.ts';
import {
  PROMPT_ENCODER,
  RESNET50_DEEP,
  RESNET50_PLAIN,
  SAM2_HIERA_BASE_PLUS,
  SAM2_HIERA_LARGE,
  SAM2_HIERA_SMALL,
  SAM2_HIERA_TINY,
  SAM_VIT_B,
  SAM_VIT_H,
  SAM_VIT_L,
  VGG16_BN,
} from '../../src/core/networks/config.ts';
import { DINOV2_VIT_B14, DINOV2_VIT_S14_REG, DINOV3_VIT_S16 } from '../../src/core/networks/dino/config.ts';
import { writeSafetensors, writeShards, writeTorch, type TensorSource } from '../../test/golden/checkpoint-writers.ts';
import { ROUNDED, type Form } from './full-size-form.ts';
import { checkSam2, SAM2_FORMS } from './full-size-sam2.ts';
import {
  dinov2OfTransformers,
  dinov3OfTransformers,
  promptEncoderOfVrpSam,
  resnetOfVrpSam,
  samOfTransformers,
} from '../../test/golden/foreign-names.ts';

/** A layer that networks for ImageNet carry and a backbone has no use for. */
const classifier = (name: string, width: number): TensorSource => ({
  name,
  shape: [10, width],
  values: () => new Float32Array(10 * width),
});

const torch =
  (file: string, change: (weights: readonly TensorSource[]) => TensorSource[] = (weights) => [...weights]): Form['write'] =>
  (folder, weights) => {
    const path = join(folder, file);
    writeTorch(path, change(weights));
    return path;
  };

const shards =
  (name: string, count: number, type: 'F32' | 'F16' | 'BF16'): Form['write'] =>
  (folder, weights) => {
    const path = join(folder, name);
    mkdirSync(path, { recursive: true });
    writeShards(path, samOfTransformers(weights), count, type);
    return path;
  };

const safetensors =
  (file: string, change: (weights: readonly TensorSource[]) => TensorSource[], type: 'F32' | 'F16' = 'F32'): Form['write'] =>
  (folder, weights) => {
    const path = join(folder, file);
    writeSafetensors(path, change(weights), type);
    return path;
  };

/** Those with expected numbers. */
export type ExpectedModel = Exclude<FullSizeModel, 'sam_vit_l' | 'sam_vit_h' | 'sam2.1_hiera_small' | 'sam2.1_hiera_large'>;

/** Models with expected numbers, smallest first; a folder may have those of some. */
export const FORMS: Readonly<Record<ExpectedModel, readonly [Form, ...Form[]]>> = {
  resnet50_deep: [
    { name: 'resnet50_v2.pth', write: torch('resnet50_v2.pth', (weights) => [...weights, classifier('fc.weight', 2048)]) },
    { name: 'VRP-SAM checkpoint (.pt)', write: torch('vrp-sam-backbone.pt', resnetOfVrpSam) },
  ],
  resnet50_plain: [{ name: 'torchvision .pth', write: torch('resnet50.pth', (weights) => [...weights, classifier('fc.weight', 2048)]) }],
  vgg16_bn: [
    {
      name: 'safetensors with a classifier',
      write: safetensors('vgg16_bn.safetensors', (weights) => [...weights, classifier('classifier.6.weight', 4096)]),
    },
  ],
  dinov2_vit_b14: [
    { name: 'Hugging Face safetensors', write: safetensors('dinov2-base.safetensors', dinov2OfTransformers) },
    { name: 'Meta .pth', write: torch('dinov2_vitb14_pretrain.pth') },
  ],
  dinov2_vit_s14_reg: [
    { name: 'Hugging Face safetensors', write: safetensors('dinov2-with-registers-small.safetensors', dinov2OfTransformers) },
    { name: 'Meta .pth', write: torch('dinov2_vits14_reg4_pretrain.pth') },
  ],
  dinov3_vit_s16: [
    { name: 'Hugging Face safetensors', write: safetensors('dinov3-vits16.safetensors', dinov3OfTransformers) },
    { name: 'Meta .pth', write: torch('dinov3_vits16_pretrain.pth') },
  ],
  prompt_encoder_resnet50: [{ name: 'VRP-SAM names (.pt)', write: torch('prompt-encoder.pt', promptEncoderOfVrpSam) }],
  sam_vit_b: [
    { name: 'Meta .pth', write: torch('sam_vit_b_01ec64.pth') },
    { name: 'Hugging Face shards', write: shards('sam-vit-base', 3, 'F32') },
    {
      name: 'Hugging Face float16',
      write: safetensors('sam-vit-base-f16.safetensors', samOfTransformers, 'F16'),
      rounded: ROUNDED.F16,
    },
    { name: 'Hugging Face bfloat16 shards', write: shards('sam-vit-base-bf16', 2, 'BF16'), rounded: ROUNDED.BF16 },
  ],
  ...SAM2_FORMS,
};

const KNOWN = {
  'sam2.1_hiera_tiny': SAM2_HIERA_TINY,
  'sam2.1_hiera_small': SAM2_HIERA_SMALL,
  'sam2.1_hiera_base_plus': SAM2_HIERA_BASE_PLUS,
  'sam2.1_hiera_large': SAM2_HIERA_LARGE,
  sam_vit_b: SAM_VIT_B,
  sam_vit_l: SAM_VIT_L,
  sam_vit_h: SAM_VIT_H,
  resnet50_deep: RESNET50_DEEP,
  resnet50_plain: RESNET50_PLAIN,
  vgg16_bn: VGG16_BN,
  dinov2_vit_b14: DINOV2_VIT_B14,
  dinov2_vit_s14_reg: DINOV2_VIT_S14_REG,
  dinov3_vit_s16: DINOV3_VIT_S16,
  prompt_encoder_resnet50: PROMPT_ENCODER,
} as const;
export type FullSizeModel = keyof typeof KNOWN;

/** Recognised from nothing but the file; anything else than the model it is is an error. parameters: of the model, for SAM 2. */
export async function openAs(model: FullSizeModel, path: string, parameters: number): Promise<Checkpoint> {
  const checkpoint = await openCheckpoint(path);
  const recognised = (): { tensors: CheckpointTensors; config: unknown } => {
    if (model.startsWith('sam')) {
      const tensors = samTensors(checkpoint.tensors, path);
      if (model.startsWith('sam2')) checkSam2(path, checkpoint.tensors, tensors, parameters);
      return { tensors, config: describeSam(tensors, path) };
    }
    if (model === 'prompt_encoder_resnet50') {
      const named = promptEncoderTensors(checkpoint.tensors, path);
      return { tensors: named.tensors, config: describePromptEncoder(named, path, { sam: '' }).config };
    }
    const { kind, tensors } = backboneTensors(checkpoint.tensors, path);
    return { tensors, config: describeBackbone(kind, tensors, path) };
  };
  const { tensors, config } = recognised();
  if (!isDeepStrictEqual(config, KNOWN[model]))
    throw new Error(`${path} was recognised as ${JSON.stringify(config)}, expected ${JSON.stringify(KNOWN[model])}`);
  return { ...checkpoint, tensors };
}
