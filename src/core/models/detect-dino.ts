/** Detects DINOv2 and DINOv3: every number of their configurations from names and shapes. */
import { ProsamError } from '../common/errors.ts';
import type { CheckpointTensors } from '../checkpoint/checkpoint.ts';
import { countBlocks, shapesOf } from '../checkpoint/tensor-shapes.ts';
import { DINOV3_ROPE_THETA, type Dinov2Config, type Dinov3Config } from '../networks/dino/config.ts';

/** Width of a head in every published DINO whose MLPs are not gated. */
const HEAD_DIM = 64;
/** Blocks after which maps are taken, as the authors of VRP-SAM gave them for ViT-L, as shares of its 24. */
const STAGES = { 24: [12, 21, 24], 12: [6, 10, 12] } as Readonly<Record<number, readonly [number, number, number]>>;

/** Names of MLPs with a gate, in Meta's checkpoints and in those of transformers. */
const GATED = ['w12', 'w1', 'weights_in', 'gate_proj'].map((layer) => `blocks.0.mlp.${layer}.weight`);

/** @throws CHECKPOINT_MISMATCH */
export function describeDinov2(tensors: CheckpointTensors, label: string, { heads }: { heads?: number }): Dinov2Config {
  refuseGated(tensors, label, 'DINOv2', 'ViT-S, B or L/14');
  const shape = shapesOf(tensors, label);
  const [, positions] = shape('pos_embed', 3) as [number, number, number];
  const side = Math.sqrt(positions - 1);
  if (!Number.isInteger(side) || !tensors.has('blocks.0.ls1.gamma'))
    throw new ProsamError(
      'CHECKPOINT_MISMATCH',
      `${label}: expected DINOv2 (positions of a class token and a square of patches, layer scales), got ${positions} positions` +
        `${tensors.has('blocks.0.ls1.gamma') ? '' : ' and no layer scales'}. Use ViT-S, B or L/14 of Meta or Hugging Face.`,
    );
  const numRegisterTokens = tensors.has('register_tokens') ? (shape('register_tokens', 3)[1] as number) : 0;
  const { patchSize, ...rest } = describeVit(tensors, label, heads);
  return { kind: 'dinov2', imageSize: side * patchSize, patchSize, ...rest, numRegisterTokens };
}

/** @throws CHECKPOINT_MISMATCH */
export function describeDinov3(
  tensors: CheckpointTensors,
  label: string,
  { heads, imageSize = 512 }: { heads?: number; imageSize?: number },
): Dinov3Config {
  refuseGated(tensors, label, 'DINOv3', 'ViT-S, B or L/16');
  if (tensors.has('blocks.0.attn.k.bias'))
    throw new ProsamError(
      'CHECKPOINT_MISMATCH',
      `${label}: expected DINOv3, whose keys have no bias, got one with such biases. Use ViT-S, B or L/16 of Meta or Hugging Face.`,
    );
  const numRegisterTokens = shapesOf(tensors, label)('storage_tokens', 3)[1] as number;
  return { kind: 'dinov3', imageSize, ...describeVit(tensors, label, heads), numRegisterTokens, ropeTheta: DINOV3_ROPE_THETA };
}

function describeVit(tensors: CheckpointTensors, label: string, heads: number | undefined) {
  const shape = shapesOf(tensors, label);
  const [embedDim, , patchSize] = shape('patch_embed.proj.weight', 4) as [number, number, number, number];
  const depth = countBlocks(tensors, 'blocks');
  return {
    patchSize,
    embedDim,
    depth,
    numHeads: heads ?? Math.max(1, Math.round(embedDim / HEAD_DIM)),
    mlpRatio: (shape('blocks.0.mlp.fc1.weight', 2)[0] as number) / embedDim,
    stageEnds: STAGES[depth] ?? ([Math.round(depth / 2), Math.min(depth - 1, Math.round((depth * 7) / 8)), depth] as const),
  };
}

function refuseGated(tensors: CheckpointTensors, label: string, what: string, sizes: string): void {
  const gated = GATED.find((name) => tensors.has(name));
  if (gated === undefined) return;
  throw new ProsamError(
    'CHECKPOINT_MISMATCH',
    `${label}: expected ${what} with plain MLPs, got gated ones (SwiGLU: ${gated}), as its largest models have. Use ${sizes}.`,
  );
}
