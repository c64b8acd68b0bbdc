/** The trainable numbers of a prompt encoder: their names, their shapes, and the values training starts from. */
import type { FloatTensor } from '../../core/checkpoint/read-tensors.ts';
import type { PromptEncoderConfig } from '../../core/networks/config.ts';
import { normal, type Random } from '../../core/common/random.ts';

/** The four attention blocks, in the order they run. */
const ATTENTION_BLOCKS = ['ref_cross', 'ref_self', 'tgt_cross', 'tgt_self'] as const;
/** The two heads of the distribution; a deterministic encoder has none, or has them as two layers in a row. */
export const HEADS = ['mu_head', 'log_sigma_head'] as const;

/**
 * Name -> shape of every parameter, in one fixed order: the two 1x1 convolutions, the queries, the attention blocks as they
 * run, the heads. Optimiser state, gradients and random draws keep to this order.
 */
export function promptEncoderShapes(
  config: Pick<PromptEncoderConfig, 'midChannels' | 'dim' | 'numPrompts' | 'probabilistic' | 'stackedHeads' | 'dense'>,
): Map<string, readonly number[]> {
  const { midChannels, dim, numPrompts } = config;
  const shapes = new Map<string, readonly number[]>([
    ['reduce.weight', [dim, midChannels, 1, 1]],
    ['fuse.weight', [dim, 2 * dim + 1, 1, 1]],
    ['queries', [numPrompts, dim]],
  ]);
  for (const block of ATTENTION_BLOCKS) {
    shapes.set(`${block}.attn.in_proj_weight`, [3 * dim, dim]); // q, k, v stacked
    shapes.set(`${block}.attn.in_proj_bias`, [3 * dim]);
    shapes.set(`${block}.attn.out_proj.weight`, [dim, dim]);
    shapes.set(`${block}.attn.out_proj.bias`, [dim]);
    shapes.set(`${block}.norm.weight`, [dim]);
    shapes.set(`${block}.norm.bias`, [dim]);
  }
  if (config.probabilistic || config.stackedHeads) {
    for (const head of HEADS) {
      shapes.set(`${head}.weight`, [dim, dim]);
      shapes.set(`${head}.bias`, [dim]);
    }
  }
  if (config.dense === 'coarse') {
    shapes.set('coarse.weight', [1, dim, 1, 1]);
    shapes.set('coarse.bias', [1]);
  }
  return shapes;
}

/**
 * Values to start training from, as the public VRP-SAM code draws them: queries N(0, 1); attention projections
 * Xavier-uniform, the packed q, k, v projection as one matrix; attention biases 0; layer norms 1 and 0; 1x1 convolutions and
 * heads uniform within 1 / sqrt(fan in), the heads' biases too.
 *
 * outputGain: factor on the attentions' output projections, which otherwise drown the queries before each norm.
 * random: consumed in the order of `promptEncoderShapes`, so one seed gives one encoder.
 */
export function initialParameters(config: PromptEncoderConfig, random: Random, outputGain = 1): Map<string, FloatTensor> {
  const out = new Map<string, FloatTensor>();
  for (const [name, shape] of promptEncoderShapes(config)) {
    const data = initialValues(name, shape, random);
    out.set(name, { data: name.endsWith('.out_proj.weight') ? data.map((value) => outputGain * value) : data, shape });
  }
  return out;
}

function initialValues(name: string, shape: readonly number[], random: Random): Float32Array {
  const count = shape.reduce((product, size) => product * size, 1);
  const [rows, columns = rows] = shape as readonly [number, number?];
  if (name === 'queries') return Float32Array.from({ length: count }, () => normal(random));
  if (name.endsWith('.norm.weight')) return new Float32Array(count).fill(1);
  if (/\.norm\.bias$|\.in_proj_bias$|\.out_proj\.bias$|^coarse\.bias$/.test(name)) return new Float32Array(count);
  if (/\.(in_proj_weight|out_proj\.weight)$/.test(name)) return uniform(count, Math.sqrt(6 / (rows + columns)), random);
  // What is left: convolutions [out, in, 1, 1] and heads, whose weights are [out, in] and whose biases are as long as `in`.
  return uniform(count, 1 / Math.sqrt(columns), random);
}

/** `count` values, uniform in [-bound, bound). */
function uniform(count: number, bound: number, random: Random): Float32Array {
  return Float32Array.from({ length: count }, () => (2 * random() - 1) * bound);
}
