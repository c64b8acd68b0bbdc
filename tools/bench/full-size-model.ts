/** A model folder of full size with weights from a hash: the same numbers everywhere, nothing to download. */
import { existsSync, mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { hashFile } from '../../src/core/checkpoint/hash-cache.ts';
import { openModel, type Model } from '../../src/core/checkpoint/model-folder.ts';
import { PROMPT_ENCODER, RESNET50_DEEP, SAM_VIT_B, SAM_VIT_H, SAM_VIT_L, type SamConfig } from '../../src/core/networks/config.ts';
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

export const FULL_SIZES = { b: SAM_VIT_B, l: SAM_VIT_L, h: SAM_VIT_H } as const;
export type FullSize = keyof typeof FULL_SIZES;

const NORMALISATION = { mean: [123.675, 116.28, 103.53], std: [58.395, 57.12, 57.375] } as const;

/** Keys as a manifest spells them. */
function snakeKeys(record: object): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(record).map(([key, value]) => [key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`), value as unknown]),
  );
}

/** The encoder's keys stand beside the others. */
function samKeys({ encoder: { kind, ...encoder }, ...rest }: SamConfig): Record<string, unknown> {
  return { ...snakeKeys({ ...rest, ...encoder }), image_encoder: kind };
}

/** Writes SAM, the deep-stem ResNet-50 at 512 and the paper's prompt encoder into `folder`, unless they are there. */
export async function fullSizeModel(folder: string, size: FullSize = 'b'): Promise<Model> {
  if (!existsSync(join(folder, 'manifest.json'))) await write(folder, FULL_SIZES[size], `sam-vit-${size}`);
  return openModel(folder);
}

async function write(folder: string, sam: SamConfig, name: string): Promise<void> {
  mkdirSync(folder, { recursive: true });
  const parts = {
    sam: { config: sam },
    backbone: { file: '', config: RESNET50_DEEP },
    prompt_encoder: { config: PROMPT_ENCODER },
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
    sam: { file: 'sam.safetensors', config: samKeys(sam), resize: 'stretch', ...NORMALISATION },
    backbone: { file: 'backbone.safetensors', config: snakeKeys(RESNET50_DEEP) },
    prompt_encoder: {
      file: 'prompt-encoder.safetensors',
      config: snakeKeys(PROMPT_ENCODER),
      distribution: 'gaussian',
      nu: 5,
      label_reduction: { kind: 'nearest' },
      trained_against: { sam: files['sam.safetensors'], backbone: files['backbone.safetensors'] },
    },
  };
  writeFileSync(join(folder, 'manifest.json'), JSON.stringify(manifest, null, 1));
}
