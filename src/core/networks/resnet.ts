/** ResNet with bottleneck blocks, either stem, and dilation instead of stride where asked (He et al., 2016; spec of the deep stem: PSPNet). */
import type { ResnetConfig } from './config.ts';
import { convNorm } from './conv-norm.ts';
import type { Conv2dOptions, Ops, Weights } from './ops.ts';

const EXPANSION = 4;

/** Stem and stages 1 to 3. image [B, 3, S, S] -> f2 (stage 2) and f3 (stage 3), [B, C, h, w] each */
export function resnetTrunk<T>(ops: Ops<T>, weights: Weights<T>, config: ResnetConfig, image: T): { f2: T; f3: T } {
  const x = stem(ops, weights, config, image);
  const f1 = stage(ops, weights, config, 0, x);
  const f2 = stage(ops, weights, config, 1, f1);
  return { f2, f3: stage(ops, weights, config, 2, f2) };
}

/** Stage 4. f3 [B, C3, h, w] -> [B, C4, h, w] */
export function resnetFinal<T>(ops: Ops<T>, weights: Weights<T>, config: ResnetConfig, f3: T): T {
  return stage(ops, weights, config, 3, f3);
}

function stem<T>(ops: Ops<T>, weights: Weights<T>, config: ResnetConfig, image: T): T {
  const conv = (i: number, x: T, out: number, size: number, options: Conv2dOptions): T =>
    ops.relu(convNorm(ops, weights, [`conv${i}`, `bn${i}`], x, out, size, options));
  let x: T;
  if (config.deepStem) {
    x = conv(1, image, config.stemMid, 3, { stride: 2, padding: 1 });
    x = conv(2, x, config.stemMid, 3, { padding: 1 });
    x = conv(3, x, 2 * config.stemMid, 3, { padding: 1 });
  } else {
    x = conv(1, image, config.stemMid, 7, { stride: 2, padding: 3 });
  }
  return ops.maxPool(x, { size: 3, stride: 2, padding: 1 });
}

/** Stride and dilation of each stage; a dilated stage starts with the dilation reached so far and doubles it after its first block. */
function stageGeometry(config: ResnetConfig, index: number): { stride: number; first: number; rest: number } {
  let dilation = 1;
  for (let i = 1; i <= index; i++) {
    const first = dilation;
    const dilated = config.dilate[i - 1] ?? false;
    if (dilated) dilation *= 2;
    if (i === index) return { stride: dilated ? 1 : 2, first, rest: dilation };
  }
  return { stride: 1, first: 1, rest: 1 };
}

function stage<T>(ops: Ops<T>, weights: Weights<T>, config: ResnetConfig, index: number, x: T): T {
  const { stride, first, rest } = stageGeometry(config, index);
  const planes = config.planes[index] as number;
  for (let i = 0; i < (config.layers[index] as number); i++) {
    x = bottleneck(ops, weights.under(`layer${index + 1}.${i}.`), x, planes, i === 0 ? stride : 1, i === 0 ? first : rest);
  }
  return x;
}

function bottleneck<T>(ops: Ops<T>, weights: Weights<T>, x: T, planes: number, stride: number, dilation: number): T {
  const out = planes * EXPANSION;
  const conv = (i: number, y: T, channels: number, size: number, options: Conv2dOptions): T =>
    convNorm(ops, weights, [`conv${i}`, `bn${i}`], y, channels, size, options);
  let y = ops.relu(conv(1, x, planes, 1, {}));
  y = ops.relu(conv(2, y, planes, 3, { stride, padding: dilation, dilation }));
  y = conv(3, y, out, 1, {});
  const changed = stride !== 1 || ops.shapeOf(x)[1] !== out;
  const skip = changed ? convNorm(ops, weights, ['downsample.0', 'downsample.1'], x, out, 1, { stride }) : x;
  return ops.relu(ops.add(y, skip));
}
