/** VGG with and without batch norm (Simonyan & Zisserman, 2015). A stage ends after its pool; the last stage ends at its ReLU. */
import type { VggConfig } from './config.ts';
import { batchNorm } from './conv-norm.ts';
import { fixed, type Ops, type Weights } from './ops.ts';

/** Stages 1 to 4 with their pools. image [B, 3, S, S] -> f2 (third pool) and f3 (fourth pool), [B, C, h, w] each */
export function vggTrunk<T>(ops: Ops<T>, weights: Weights<T>, config: VggConfig, image: T): { f2: T; f3: T } {
  const outputs: T[] = [];
  let x = image;
  for (let i = 0; i < 4; i++) {
    x = ops.maxPool(stage(ops, weights, config, i, x), { size: 2, stride: 2, ceilMode: true });
    outputs.push(x);
  }
  return { f2: outputs[2] as T, f3: outputs[3] as T };
}

/** The last stage. f3 -> [B, C, h, w] of the same size */
export function vggFinal<T>(ops: Ops<T>, weights: Weights<T>, config: VggConfig, f3: T): T {
  return stage(ops, weights, config, 4, f3);
}

/** Entries of torchvision's `features` list that one layer takes: convolution, norm where there is one, ReLU. */
function entriesOfLayer({ batchNorm }: VggConfig): number {
  return batchNorm ? 3 : 2;
}

/** A pool is one entry. */
function firstIndex(config: VggConfig, stageIndex: number): number {
  let index = 0;
  for (let i = 0; i < stageIndex; i++) index += entriesOfLayer(config) * (config.convs[i] as number) + 1;
  return index;
}

function stage<T>(ops: Ops<T>, weights: Weights<T>, config: VggConfig, index: number, x: T): T {
  const out = config.widths[index] as number;
  let at = firstIndex(config, index);
  for (let i = 0; i < (config.convs[index] as number); i++) {
    const from = fixed(ops.shapeOf(x)[1]);
    const conv = weights.under(`features.${at}.`);
    x = ops.conv2d(x, conv.get('weight', [out, from, 3, 3]), conv.get('bias', [out]), { padding: 1 });
    if (config.batchNorm) x = batchNorm(ops, weights.under(`features.${at + 1}.`), x);
    x = ops.relu(x);
    at += entriesOfLayer(config);
  }
  return x;
}
