/** Detects a backbone: every number of its configuration from names and shapes. */
import { ProsamError } from '../common/errors.ts';
import type { Dinov2Config, ResnetConfig, VggConfig } from '../networks/config.ts';
import type { BackboneKind } from '../checkpoint/names/backbone.ts';
import type { CheckpointTensors } from '../checkpoint/checkpoint.ts';
import { countBlocks, shapesOf } from '../checkpoint/tensor-shapes.ts';

export interface DescribeBackboneOptions {
  /** Side of the square input in pixels, of ResNet and VGG. DINOv2's follows from its positions. @default 512, as in the paper */
  imageSize?: number;
  /** Heads of DINOv2, which no shape tells. @default width / 64, as in every published DINOv2 */
  heads?: number;
}

/** Width of a head in all published DINOv2. */
const HEAD_DIM = 64;
/** Blocks after which maps are taken, as the authors of VRP-SAM gave them for ViT-L, as shares of its 24. */
const DINOV2_STAGES = { 24: [12, 21, 24], 12: [6, 10, 12] } as Readonly<Record<number, readonly [number, number, number]>>;

/** tensors: under the names of `backboneTensors`. @throws CHECKPOINT_MISMATCH */
export function describeBackbone(
  kind: BackboneKind,
  tensors: CheckpointTensors,
  label: string,
  options: DescribeBackboneOptions = {},
): ResnetConfig | VggConfig | Dinov2Config {
  if (kind === 'resnet') return describeResnet(tensors, label, options);
  return kind === 'vgg' ? describeVgg(tensors, label, options) : describeDinov2(tensors, label, options);
}

function describeResnet(tensors: CheckpointTensors, label: string, { imageSize = 512 }: DescribeBackboneOptions): ResnetConfig {
  const shape = shapesOf(tensors, label);
  if (!tensors.has('layer1.0.conv3.weight'))
    throw new ProsamError(
      'CHECKPOINT_MISMATCH',
      `${label}: expected a ResNet of bottleneck blocks, got one of basic blocks. Use ResNet-50 or a larger one.`,
    );
  const stages = [1, 2, 3, 4] as const;
  return {
    kind: 'resnet',
    imageSize,
    layers: stages.map((i) => countBlocks(tensors, `layer${i}`)) as unknown as ResnetConfig['layers'],
    planes: stages.map((i) => shape(`layer${i}.0.conv1.weight`, 4)[0]) as unknown as ResnetConfig['planes'],
    deepStem: tensors.has('conv3.weight'),
    stemMid: shape('conv1.weight', 4)[0] as number,
    dilate: [false, true, true], // output stride 8, as VRP-SAM runs it
  };
}

/** Entries of torchvision's `features` that a convolution takes, its norm and ReLU included. */
const VGG_STEP = 2;
const VGG_STEP_WITH_NORM = 3;

function describeVgg(tensors: CheckpointTensors, label: string, { imageSize = 512 }: DescribeBackboneOptions): VggConfig {
  const shape = shapesOf(tensors, label);
  const convolutions = [...tensors]
    .flatMap(([name, { shape: sizes }]) => (/^features\.\d+\.weight$/.test(name) && sizes.length === 4 ? [Number(name.split('.')[1])] : []))
    .sort((a, b) => a - b);
  const batchNorm = tensors.has('features.1.running_mean');
  const step = batchNorm ? VGG_STEP_WITH_NORM : VGG_STEP;
  const convs: number[] = [];
  const widths: number[] = [];
  let last = -Infinity;
  for (const at of convolutions) {
    if (at - last === step) convs[convs.length - 1] = (convs.at(-1) as number) + 1;
    else if (convs.length === 0 || at - last === step + 1) {
      convs.push(1); // a pool between: the next stage
      widths.push(shape(`features.${at}.weight`, 4)[0] as number);
    } else convs.length = 0;
    last = at;
  }
  if (convs.length !== 5)
    throw new ProsamError(
      'CHECKPOINT_MISMATCH',
      `${label}: expected a VGG of five stages, got other convolutions (${convolutions.join(', ')}). Use VGG-16.`,
    );
  return {
    kind: 'vgg',
    imageSize,
    widths: widths as unknown as VggConfig['widths'],
    convs: convs as unknown as VggConfig['convs'],
    batchNorm,
  };
}

function describeDinov2(tensors: CheckpointTensors, label: string, { heads }: DescribeBackboneOptions): Dinov2Config {
  const shape = shapesOf(tensors, label);
  const [embedDim, , patchSize] = shape('patch_embed.proj.weight', 4) as [number, number, number, number];
  const cells = (shape('pos_embed', 3)[1] as number) - 1;
  const side = Math.sqrt(cells);
  const depth = countBlocks(tensors, 'blocks');
  if (
    !Number.isInteger(side) ||
    !tensors.has('blocks.0.ls1.gamma') ||
    tensors.has('register_tokens') ||
    tensors.has('embeddings.register_tokens')
  )
    throw new ProsamError(
      'CHECKPOINT_MISMATCH',
      `${label}: expected DINOv2 without registers (a square of positions and a class token, layer scales), got something else. Use ViT-S, B or L/14 without registers.`,
    );
  const shares = DINOV2_STAGES[depth] ?? [Math.round(depth / 2), Math.min(depth - 1, Math.round((depth * 7) / 8)), depth];
  return {
    kind: 'dinov2',
    imageSize: side * patchSize,
    patchSize,
    embedDim,
    depth,
    numHeads: heads ?? Math.max(1, Math.round(embedDim / HEAD_DIM)),
    mlpRatio: (shape('blocks.0.mlp.fc1.weight', 2)[0] as number) / embedDim,
    stageEnds: shares,
  };
}
