/** A folder of a small SAM 2 under Meta's names, with weights from a hash: SAM as its own backbone, or with one of the golden set's. */
import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { samConfigJson, snakeKeys } from '../../../../src/core/checkpoint/config-json.ts';
import { safetensorsBytes, tensorToWrite } from '../../../../src/core/checkpoint/formats/safetensors.ts';
import { hashFile } from '../../../../src/core/checkpoint/hash-cache.ts';
import { seededRandom } from '../../../../src/core/common/random.ts';
import type { HieraConfig, PromptEncoderConfig, SamConfig } from '../../../../src/core/networks/config.ts';
import { tensorsNeeded } from '../../../../src/core/onnx/emit.ts';
import { decodePointsGraph, decodePromptsGraph, imageEncoderGraph } from '../../../../src/core/onnx/model-graphs.ts';
import { initialParameters } from '../../../../src/training/step/parameters.ts';
import { openGoldenSet } from '../../../golden/golden-set.ts';
import { hashedWeights } from '../../../golden/hash-weights.ts';
import { writeSafetensors } from '../../../golden/checkpoint-writers.ts';

/** Windows of the third and the fourth stage stick out of their grids of 8 and of 4 cells. */
const ENCODER: HieraConfig = {
  ...{ kind: 'hiera', embedDim: 16, numHeads: 1, stages: [1, 1, 3, 1], globalAttBlocks: [3], windowSpec: [4, 4, 6, 3] },
  ...{ windowPosEmbedBkgSpatialSize: [5, 5], mlpRatio: 4 },
};

export const SMALL_SAM2: SamConfig = {
  ...{ imageSize: 128, encoder: ENCODER, outChans: 32, maskInChans: 16, decoderDepth: 2, decoderMlpDim: 64, decoderHeads: 4 },
  ...{ numMultimaskOutputs: 3, iouHeadDepth: 3, iouHeadHiddenDim: 32 },
  sam2: { predObjScores: true, stability: { dynamicMultimaskStabilityDelta: 0.05, dynamicMultimaskStabilityThresh: 0.98 } },
};

export interface Sam2FolderOptions {
  /** @default 'sam', reading the first and the last block of the third stage */
  backbone?: 'sam' | 'dino' | 'resnet';
  /** @default true */
  withPromptEncoder?: boolean;
  config?: SamConfig;
  /** Factor on the logits. @default 1 */
  loudness?: number;
}

const GOLDEN = 'test/golden/data';
const OWN = { dino: ['backbone_dinov2', 'prompt_encoder_dino'], resnet: ['backbone_resnet_deep', 'prompt_encoder_resnet'] } as const;
const MID_BLOCKS = [0, 2];
/** Channels of a block of the third stage, for each one read. */
const MID_CHANNELS = 4 * ENCODER.embedDim * MID_BLOCKS.length;

/** Names of Meta's checkpoints for those of the networks. */
function metaName(name: string): string {
  return name
    .replace(/^prompt_encoder\./, 'sam_prompt_encoder.')
    .replace(/^mask_decoder\./, 'sam_mask_decoder.')
    .replace(/^(sam_mask_decoder\..*)\.mlp\.lin([12])\./, (_, layer: string, n: string) => `${layer}.mlp.layers.${Number(n) - 1}.`);
}

/** Writes the folder and its manifest. -> the folder */
export async function writeSam2Folder(folder: string, options: Sam2FolderOptions = {}): Promise<string> {
  const { backbone = 'sam', withPromptEncoder = true, config = SMALL_SAM2, loudness = 1 } = options;
  mkdirSync(folder, { recursive: true });
  const files: Record<string, string> = {};
  const added = async (file: string): Promise<string> => {
    files[file] = await hashFile(join(folder, file));
    return file;
  };
  const parts = { sam: { config }, backbone: { kind: 'sam', midBlocks: MID_BLOCKS } } as never;
  const graphs = [imageEncoderGraph(parts), decodePromptsGraph(parts), decodePointsGraph(parts, false), decodePointsGraph(parts, true)];
  const needed = [...tensorsNeeded(...graphs)].map(([name, shape]): [string, readonly number[]] => [metaName(name), shape]);
  // Of the video part there is something in every file of Meta's.
  const tensors = Object.fromEntries([...needed, ['maskmem_tpos_enc', [7, 1, 1, 64]]]);
  const sources = hashedWeights(tensors).map((one) => {
    if (!/output_hypernetworks_mlps\.\d\.layers\.2\./.test(one.name)) return one;
    return { ...one, values: () => one.values().map((value) => loudness * value) };
  });
  writeSafetensors(join(folder, 'sam2.safetensors'), sources);
  const sam = await added('sam2.safetensors');

  const { weights } = openGoldenSet(GOLDEN).manifest;
  const copied = async (name: string): Promise<{ file: string; config: Record<string, unknown> }> => {
    const entry = weights[name] as { file: string; config: Record<string, unknown> };
    copyFileSync(join(GOLDEN, entry.file), join(folder, `${name}.safetensors`));
    return { file: await added(`${name}.safetensors`), config: entry.config };
  };
  const own = backbone === 'sam' ? undefined : await copied(OWN[backbone][0]);
  const encoder = !withPromptEncoder ? undefined : backbone === 'sam' ? ownEncoder(folder) : await copied(OWN[backbone][1]);
  if (encoder && backbone === 'sam') await added(encoder.file);
  const manifest = {
    ...{ format: 'prosam-model/1', name: `small-sam2-${backbone}`, license: 'Apache-2.0', files },
    sam: {
      ...{ file: sam, resize: 'stretch-float', mean: [123.675, 116.28, 103.53], std: [58.395, 57.12, 57.375] },
      config: samConfigJson(config),
    },
    backbone: own
      ? { file: own.file, config: { ...own.config, image_size: backbone === 'dino' ? 56 : 64 } }
      : { kind: 'sam', mid_blocks: MID_BLOCKS },
    ...(encoder && {
      prompt_encoder: {
        ...{ ...encoder, distribution: 'student_t', nu: 5, label_reduction: { kind: 'nearest' } },
        trained_against: { sam: files[sam], ...(own && { backbone: files[own.file] }) },
      },
    }),
  };
  writeFileSync(join(folder, 'manifest.json'), JSON.stringify(manifest));
  return folder;
}

/** A prompt encoder as training starts it, for SAM 2's own maps. */
function ownEncoder(folder: string): { file: string; config: Record<string, unknown> } {
  const config: PromptEncoderConfig = {
    ...{ midChannels: MID_CHANNELS, dim: SMALL_SAM2.outChans, numPrompts: 5, numHeads: 4, dropout2d: 0.5, maskGain: 10 },
    ...{ pseudoNorm: 'none', probabilistic: true },
  };
  const tensors = [...initialParameters(config, seededRandom(5))].map(([name, { data, shape }]) => [name, tensorToWrite(data, shape)]);
  const file = 'prompt-encoder.safetensors';
  writeFileSync(join(folder, file), safetensorsBytes(Object.fromEntries(tensors) as Parameters<typeof safetensorsBytes>[0], {}));
  return { file, config: snakeKeys(config) };
}
