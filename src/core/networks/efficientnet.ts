/**
 * EfficientNet-Lite2 (Tan, Le, 2019; Lite: no squeeze-and-excitation, ReLU6) without its head: inverted residuals on five strides. Batch
 * norms are part of the convolutions' weights.
 */
import type { EfficientNetConfig } from './config.ts';
import { fixed, type Ops, type Weights } from './ops.ts';

/** Channels of the stem. */
const STEM = 32;
const STEM_KERNEL = 3;

/** Blocks of one size, in a row. */
interface Stage {
  blocks: number;
  channels: number;
  kernel: number;
  /** Stride of the first block. */
  stride: 1 | 2;
  expansion: number;
  /** Zeros at the right and bottom alone, where the first block strides. */
  padsEnd?: boolean;
}

/** Published sizes; a side's padding is what "same" means at the published input of 260 pixels. */
const STAGES: readonly Stage[] = [
  { blocks: 1, channels: 16, kernel: 3, stride: 1, expansion: 1 },
  { blocks: 3, channels: 24, kernel: 3, stride: 2, expansion: 6, padsEnd: true },
  { blocks: 3, channels: 48, kernel: 5, stride: 2, expansion: 6 },
  { blocks: 4, channels: 88, kernel: 3, stride: 2, expansion: 6 },
  { blocks: 4, channels: 120, kernel: 5, stride: 1, expansion: 6 },
  { blocks: 5, channels: 208, kernel: 5, stride: 2, expansion: 6 },
  { blocks: 1, channels: 352, kernel: 3, stride: 1, expansion: 6 },
];

/** One block's numbers. */
export interface EfficientNetBlock extends Omit<Stage, 'blocks' | 'padsEnd'> {
  padsEnd: boolean;
  from: number;
  /** Pixels of the image along a cell of the output. */
  cell: number;
}

/** Blocks in order. */
export function efficientNetBlocks(): EfficientNetBlock[] {
  const plans: EfficientNetBlock[] = [];
  for (const { blocks, padsEnd = false, ...stage } of STAGES) {
    for (let i = 0; i < blocks; i++) {
      const last = plans.at(-1);
      const stride = i === 0 ? stage.stride : 1;
      plans.push({
        ...stage,
        stride,
        padsEnd: padsEnd && i === 0,
        from: last?.channels ?? STEM,
        cell: (last?.cell ?? 2) * stride,
      });
    }
  }
  return plans;
}

/** Outputs of the blocks named by `taps`. image [B, 3, S, S], normalised -> [B, C, S / 4, S / 4], ..., [B, C, S / 32, S / 32] */
export function efficientNet<T>(ops: Ops<T>, weights: Weights<T>, { taps }: EfficientNetConfig, image: T): [T, T, T, T] {
  const stem = convolution(ops, weights.under('stem.'), image, { out: STEM, kernel: STEM_KERNEL, stride: 2, padsEnd: true });
  let x = relu6(ops, stem); // [B, 32, S / 2, S / 2]
  const outputs = efficientNetBlocks()
    .slice(0, taps[3] + 1)
    .map((plan, i) => (x = block(ops, weights.under(`blocks.${i}.`), plan, x)));
  return taps.map((tap) => outputs[tap]) as [T, T, T, T];
}

/** Inverted residual. [B, C, h, w] -> [B, C', h / stride, w / stride] */
function block<T>(ops: Ops<T>, weights: Weights<T>, plan: EfficientNetBlock, x: T): T {
  const { from, channels, kernel, stride, expansion, padsEnd } = plan;
  const inner = from * expansion;
  const pointwise = { kernel: 1, stride: 1 };
  const wide = expansion === 1 ? x : relu6(ops, convolution(ops, weights.under('expand.'), x, { out: inner, ...pointwise }));
  const spread = convolution(ops, weights.under('depthwise.'), wide, { out: inner, kernel, stride, padsEnd, groups: inner });
  const y = convolution(ops, weights.under('project.'), relu6(ops, spread), { out: channels, ...pointwise });
  return stride === 1 && from === channels ? ops.add(x, y) : y;
}

interface Convolution {
  out: number;
  kernel: number;
  stride: number;
  padsEnd?: boolean;
  groups?: number;
}

function convolution<T>(ops: Ops<T>, weights: Weights<T>, x: T, { out, kernel, stride, padsEnd, groups = 1 }: Convolution): T {
  const from = fixed(ops.shapeOf(x)[1]) / groups;
  const padded = padsEnd ? ops.padEnd(ops.padEnd(x, 2, 1), 3, 1) : x;
  const padding = padsEnd ? 0 : (kernel - 1) / 2;
  const [weight, bias] = [weights.get('weight', [out, from, kernel, kernel]), weights.get('bias', [out])];
  return ops.conv2d(padded, weight, bias, { stride, padding, groups });
}

function relu6<T>(ops: Ops<T>, x: T): T {
  return ops.clip(x, 0, 6);
}
