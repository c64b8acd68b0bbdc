/** A model folder of full size with weights from a hash: the same numbers everywhere, nothing to download. */
import { existsSync, mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { samConfigJson, snakeKeys } from '../../src/core/checkpoint/config-json.ts';
import { hashFile } from '../../src/core/checkpoint/hash-cache.ts';
import { openModel, type Model } from '../../src/core/checkpoint/model-folder.ts';
import { DINOV2_VIT_S14 } from '../../src/core/networks/dino/config.ts';
import type { OwnBackboneConfig } from '../../src/core/networks/backbone.ts';
import {
  PROMPT_ENCODER,
  RESNET50_DEEP,
  SAM2_HIERA_TINY,
  SAM_VIT_B,
  SAM_VIT_H,
  SAM_VIT_L,
  type SamConfig,
} from '../../src/core/networks/config.ts';
import type { SamResize } from '../../src/core/image/preprocess.ts';
import { tensorsNeeded, type NetworkDefinition } from '../../src/core/onnx/emit.ts';
import {
  backboneFinalGraph,
  backboneTrunkGraph,
  decodePointsGraph,
  decodePromptsGraph,
  encodeReferenceGraph,
  encodeTargetGraph,
  imageEncoderGraph,
} from '../../src/core/onnx/model-graphs.ts';
import { writeHashedWeights } from '../../test/golden/hash-weights.ts';

interface FullModel {
  sam: SamConfig;
  backbone: OwnBackboneConfig;
  /** Channels of the backbone's two mid-level maps. */
  midChannels: number;
  resize: SamResize;
}

const withResnet = (sam: SamConfig): FullModel => ({ sam, backbone: RESNET50_DEEP, midChannels: 1536, resize: 'stretch' });

export const FULL_SIZES = {
  'sam-vit-b': withResnet(SAM_VIT_B),
  'sam-vit-l': withResnet(SAM_VIT_L),
  'sam-vit-h': withResnet(SAM_VIT_H),
  'sam2.1-tiny': { sam: SAM2_HIERA_TINY, backbone: DINOV2_VIT_S14, midChannels: 768, resize: 'stretch-float' },
} as const satisfies Record<string, FullModel>;
export type FullSize = keyof typeof FULL_SIZES;

const NORMALISATION = { mean: [123.675, 116.28, 103.53], std: [58.395, 57.12, 57.375] } as const;

/** Writes a SAM, its backbone (a deep-stem ResNet-50 at 512; DINOv2-S for SAM 2) and the paper's prompt encoder into `folder`, unless they are there. */
export async function fullSizeModel(folder: string, size: FullSize = 'sam-vit-b'): Promise<Model> {
  if (!existsSync(join(folder, 'manifest.json'))) await write(folder, FULL_SIZES[size], size);
  return openModel(folder);
}

async function write(folder: string, { sam, backbone, midChannels, resize }: FullModel, name: string): Promise<void> {
  mkdirSync(folder, { recursive: true });
  const encoder = { ...PROMPT_ENCODER, midChannels };
  const parts = {
    sam: { config: sam },
    backbone: { file: '', config: backbone },
    prompt_encoder: { config: encoder },
  } as never;
  const files: Record<string, string> = {};
  const weights = async (file: string, definitions: readonly NetworkDefinition[]): Promise<void> => {
    const path = join(folder, file);
    const tensors = Object.fromEntries(tensorsNeeded(...definitions));
    writeHashedWeights(`${path}.part`, tensors);
    renameSync(`${path}.part`, path);
    files[file] = await hashFile(path);
  };
  const decoders = [decodePromptsGraph(parts), decodePointsGraph(parts, false), decodePointsGraph(parts, true)];
  await weights('sam.safetensors', [imageEncoderGraph(parts), ...decoders]);
  await weights('backbone.safetensors', [backboneTrunkGraph(parts), backboneFinalGraph(parts)]);
  await weights('prompt-encoder.safetensors', [encodeReferenceGraph(parts), encodeTargetGraph(parts)]);
  const manifest = {
    format: 'prosam-model/1',
    name,
    about: 'Weights from a hash, for measuring.',
    license: 'Apache-2.0',
    files,
    sam: { file: 'sam.safetensors', config: samConfigJson(sam), resize, ...NORMALISATION },
    backbone: { file: 'backbone.safetensors', config: snakeKeys(backbone) },
    prompt_encoder: {
      file: 'prompt-encoder.safetensors',
      config: snakeKeys(encoder),
      distribution: 'gaussian',
      nu: 5,
      label_reduction: { kind: 'nearest' },
      trained_against: { sam: files['sam.safetensors'], backbone: files['backbone.safetensors'] },
    },
  };
  writeFileSync(join(folder, 'manifest.json'), JSON.stringify(manifest, null, 1));
}
