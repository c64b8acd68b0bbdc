/** Detects a backbone: every number of its configuration from names and shapes. */
import { ProsamError } from '../common/errors.ts';
import type { OwnBackboneConfig } from '../networks/backbone.ts';
import type { ResnetConfig, VggConfig } from '../networks/config.ts';
import type { BackboneKind } from '../checkpoint/names/backbone.ts';
import type { CheckpointTensors } from '../checkpoint/checkpoint.ts';
import { countBlocks, shapesOf } from '../checkpoint/tensor-shapes.ts';
import { describeDinov2, describeDinov3 } from './detect-dino.ts';

export interface DescribeBackboneOptions {
  /** Side of the square input in pixels, of ResNet, VGG and DINOv3. DINOv2's follows from its positions. @default 512, as in the paper */
  imageSize?: number;
  /** Heads of DINO, which no shape tells. @default width / 64, as in every published one that is taken here */
  heads?: number;
}

/** tensors: under the names of `backboneTensors`. @throws CHECKPOINT_MISMATCH */
export function describeBackbone(
  kind: BackboneKind,
  tensors: CheckpointTensors,
  label: string,
  options: DescribeBackboneOptions = {},
): OwnBackboneConfig {
  switch (kind) {
    case 'resnet':
      return describeResnet(tensors, label, options);
    case 'vgg':
      return describeVgg(tensors, label, options);
    case 'dinov2':
      return describeDinov2(tensors, label, options);
    case 'dinov3':
      return describeDinov3(tensors, label, options);
  }
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
