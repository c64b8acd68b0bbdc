/** Computations with each full-size model, and their comparison. */
import { checkTensors } from '../../src/core/checkpoint/check-tensors.ts';
import type { Checkpoint } from '../../src/core/checkpoint/checkpoint.ts';
import { resizeMap } from '../../src/core/mask/resize-map.ts';
import { backboneFinal, backboneTrunk, type OwnBackboneConfig } from '../../src/core/networks/backbone.ts';
import {
  gridSize,
  RESNET50_DEEP,
  RESNET50_PLAIN,
  SAM2_HIERA_BASE_PLUS,
  SAM2_HIERA_TINY,
  SAM_VIT_B,
  VGG16_BN,
  type SamConfig,
} from '../../src/core/networks/config.ts';
import { DINOV2_VIT_B14, DINOV2_VIT_S14_REG, DINOV3_VIT_S16 } from '../../src/core/networks/dino/config.ts';
import { samImageEncoder } from '../../src/core/networks/sam-image-encoder.ts';
import { samMaskDecoder } from '../../src/core/networks/sam-mask-decoder.ts';
import { samDensePositions } from '../../src/core/networks/sam-prompt-encoder.ts';
import { tensorsNeeded, type NetworkDefinition } from '../../src/core/onnx/emit.ts';
import type { Runtime, Tensor } from '../../src/core/onnx/session.ts';
import { executeOnnx } from '../../test/golden/execute.ts';
import type { FullSizeEngines } from './full-size-engines.ts';
import type { ExpectedModel } from './full-size-forms.ts';
import { promptEncoder } from './full-size-prompt-encoder.ts';
import { runSam2 } from './full-size-sam2.ts';
import { hashedImage, hashedNoise } from '../../test/golden/hash-weights.ts';

type Named = Record<string, Tensor>;
/** others: other models' weights. */
type ModelRun = (file: Checkpoint, others: (model: ExpectedModel) => Promise<Checkpoint>, engines: FullSizeEngines) => Promise<Named>;

const imageInput = (side: number): Named => ({ image: { data: hashedImage(side), shape: [1, 3, side, side] } });

/** Image encoder, then the mask decoder on its embedding with fifty made-up prompts. */
export async function runSam(file: Checkpoint, config: SamConfig, runtime: Runtime): Promise<Named> {
  const grid = gridSize(config);
  const encoder: NetworkDefinition = {
    name: 'sam image encoder',
    inputs: { image: [1, 3, config.imageSize, config.imageSize] },
    build: (ops, weights, i) => ({ embedding: samImageEncoder(ops, weights, config, i['image'] as never).embedding }),
  };
  const decoder: NetworkDefinition = {
    name: 'sam mask decoder',
    inputs: { embedding: [1, 256, grid, grid], prompts: ['B', 'm', 256] },
    build: (ops, weights, i) => ({
      ...samMaskDecoder(ops, weights, config, { embedding: i['embedding'] as never, prompts: i['prompts'] as never }, 'single'),
      positions: ops.reshape(ops.transpose(samDensePositions(ops, weights, config), [0, 2, 1]), [1, 256, grid, grid]),
    }),
  };
  const { embedding } = (await executeOnnx(encoder, file, imageInput(config.imageSize), runtime)) as { embedding: Tensor };
  const prompts = { data: hashedNoise('prompts', 50 * 256), shape: [1, 50, 256] };
  const { logits, iou, positions } = (await executeOnnx(decoder, file, { embedding, prompts }, runtime)) as Record<
    'logits' | 'iou' | 'positions',
    Tensor
  >;
  const upsampled = resizeMap({ data: logits.data, width: 256, height: 256 }, 512, 512, 'aligned');
  return {
    image_embedding: embedding,
    dense_pe: positions,
    low_res_logits: logits,
    iou,
    upsampled_512: { data: upsampled.data, shape: [1, 1, 512, 512] },
  };
}

const backbone =
  (config: OwnBackboneConfig): ModelRun =>
  async (file, _others, { runtime }) => {
    const definition: NetworkDefinition = {
      name: config.kind,
      inputs: { image: [1, 3, config.imageSize, config.imageSize] },
      build: (ops, weights, i) => {
        const { f2, f3, state } = backboneTrunk(ops, weights, config, i['image'] as never);
        return { f2, f3, f4: backboneFinal(ops, weights, config, state) };
      },
    };
    checkTensors(tensorsNeeded(definition), file.tensors, config.kind);
    return executeOnnx(definition, file, imageInput(config.imageSize), runtime);
  };

export const RUNS: Readonly<Record<ExpectedModel, ModelRun>> = {
  resnet50_deep: backbone(RESNET50_DEEP),
  resnet50_plain: backbone(RESNET50_PLAIN),
  vgg16_bn: backbone(VGG16_BN),
  dinov2_vit_b14: backbone(DINOV2_VIT_B14),
  dinov2_vit_s14_reg: backbone(DINOV2_VIT_S14_REG),
  dinov3_vit_s16: backbone(DINOV3_VIT_S16),
  prompt_encoder_resnet50: promptEncoder,
  sam_vit_b: (file, _others, { runtime }) => runSam(file, SAM_VIT_B, runtime),
  'sam2.1_hiera_tiny': (file, _others, { runtime }) => runSam2(file, SAM2_HIERA_TINY, runtime),
  'sam2.1_hiera_base_plus': (file, _others, { runtime }) => runSam2(file, SAM2_HIERA_BASE_PLUS, runtime),
};
