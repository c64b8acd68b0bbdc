/** Cases of the variational prompt encoder and its parts. */
import { promptEncoderConfigSchema } from '../../src/core/checkpoint/config-schema.ts';
import { resizeNearest } from '../../src/core/mask/resize-map.ts';
import { backboneFinal, backboneTrunk } from '../../src/core/networks/backbone.ts';
import type { Ops, Weights } from '../../src/core/networks/ops.ts';
import { pseudoMask } from '../../src/core/networks/pseudo-mask.ts';
import { maskedAveragePool } from '../../src/core/networks/feature-augmentation.ts';
import { attentionBlock, sinePositions } from '../../src/core/networks/prompt-generator.ts';
import { encodeReference, encodeTarget } from '../../src/core/networks/variational-prompt-encoder.ts';
import { markedCells } from '../../src/core/onnx/marked-cells.ts';
import type { Tensor } from '../../src/core/onnx/session.ts';
import type { CaseRunners } from './cases.ts';
import { execute, valuesOf } from './execute.ts';
import type { GoldenCase, GoldenSet } from './golden-set.ts';
import { backboneOf } from './network-cases.ts';

type Values = Record<string, ArrayLike<number>>;

function item(tensor: Tensor, index: number): Tensor {
  const size = tensor.data.length / (tensor.shape[0] as number);
  return { data: tensor.data.subarray(index * size, (index + 1) * size), shape: [1, ...tensor.shape.slice(1)] };
}

/** Pseudo masks of a batch, image by image: each has its own number of marked cells. */
async function pseudoMasks(set: GoldenSet, reference: Tensor, target: Tensor, mask: Tensor, norm: 'none' | 'minmax'): Promise<Tensor> {
  const [batch, , height, width] = target.shape as [number, number, number, number];
  const out = new Float32Array(batch * height * width);
  for (let i = 0; i < batch; i++) {
    const inputs = markedCells(item(reference, i), item(mask, i).data);
    if (inputs === undefined) continue; // nothing marked: zeros
    const result = await execute(set, undefined, { ...inputs, target: item(target, i) }, (ops, _, v) => ({
      pseudo: pseudoMask(ops, v['cells'] as never, v['target'] as never, v['floor'] as never, norm),
    }));
    out.set((result['pseudo'] as Tensor).data, i * height * width);
  }
  return { data: out, shape: [batch, 1, height, width] };
}

async function promptEncoderCase(golden: GoldenCase): Promise<Values> {
  const { name, config } = backboneOf(golden, 'ref_image');
  const encoderName = golden.entry.weights.find((weights) => weights.startsWith('prompt_encoder_')) as string;
  const encoder = promptEncoderConfigSchema.parse(golden.set.manifest.weights[encoderName]?.config);
  const trunk = async (image: string): Promise<Record<string, Tensor>> =>
    execute(golden.set, name, { image: golden.floats(image) }, (ops, weights, i) => {
      const { mid, f3, state } = backboneTrunk(ops, weights, config, i['image'] as never);
      return { mid, f3, state };
    });
  const reference = (await trunk('ref_image')) as Record<'mid' | 'f3' | 'state', Tensor>;
  const target = (await trunk('tgt_image')) as Record<'mid' | 'f3' | 'state', Tensor>;

  const [batch, , height, width] = reference.f3.shape as [number, number, number, number];
  const annotation = golden.floats('ref_mask');
  const [, fromHeight, fromWidth] = annotation.shape as [number, number, number];
  const cells = new Float32Array(batch * height * width);
  for (let i = 0; i < batch; i++) {
    const one = annotation.data.subarray(i * fromHeight * fromWidth, (i + 1) * fromHeight * fromWidth);
    cells.set(resizeNearest(one, { width: fromWidth, height: fromHeight }, { width, height }), i * height * width);
  }
  const mask = { data: cells, shape: [batch, 1, height, width] };

  const high = async (state: Tensor, hide?: Tensor): Promise<Tensor> => {
    const result = await execute(golden.set, name, { state, ...(hide && { hide }) }, (ops, weights, i) => ({
      high: backboneFinal(ops, weights, config, i['state'] as never, i['hide']),
    }));
    return result['high'] as Tensor;
  };
  const referenceHigh = await high(reference.state, mask);
  const targetHigh = await high(target.state);
  const pseudo = await pseudoMasks(golden.set, referenceHigh, targetHigh, mask, encoder.pseudoNorm);

  const factors = golden.has('channel_factors') ? golden.floats('channel_factors') : undefined; // [2, B, c], target first
  const factor = (i: number): Tensor | undefined =>
    factors && { data: item(factors, i).data, shape: [factors.shape[1] as number, factors.shape[2] as number, 1] };
  const [targetFactors, referenceFactors] = [factor(0), factor(1)];
  const inputs = {
    referenceMid: reference.mid,
    targetMid: target.mid,
    mask,
    pseudo,
    ...(targetFactors && { targetFactors }),
    ...(referenceFactors && { referenceFactors }),
  };
  const outputs = await execute(golden.set, encoderName, inputs, <T>(ops: Ops<T>, weights: Weights<T>, v: Record<string, T>) => {
    const optional = (value: T | undefined): { channelFactors: T } | undefined =>
      value === undefined ? undefined : { channelFactors: value };
    const code = encodeReference<T>(ops, weights, encoder, {
      mid: v['referenceMid'] as T,
      mask: v['mask'] as T,
      ...optional(v['referenceFactors']),
    });
    const out = encodeTarget<T>(ops, weights, encoder, {
      mid: v['targetMid'] as T,
      pseudo: v['pseudo'] as T,
      prototype: code.prototype,
      queries: code.queries,
      ...optional(v['targetFactors']),
    });
    return {
      reduced_ref: code.reduced,
      reduced_tgt: out.reduced,
      prototype: code.prototype,
      F_r: code.enhanced,
      F_t: out.enhanced,
      q_ref_cross: code.crossed,
      q_ref_self: code.queries,
      q_tgt_cross: out.crossed,
      q_tgt_self: out.queries,
      mu: out.mu,
      ...(out.logSigma !== undefined && { log_sigma: out.logSigma }),
    } as Record<string, T>;
  });
  return {
    feat_ref_mid: reference.mid.data,
    feat_tgt_mid: target.mid.data,
    feat_ref_mask: mask.data,
    feat_ref_high: referenceHigh.data,
    feat_tgt_high: targetHigh.data,
    feat_pseudo: pseudo.data,
    ...valuesOf(outputs),
  };
}

export const promptEncoderCases: CaseRunners = {
  prompt_encoder_resnet: promptEncoderCase,
  prompt_encoder_resnet_dropout: promptEncoderCase,
  prompt_encoder_vgg: promptEncoderCase,
  prompt_encoder_dino: promptEncoderCase,
  masked_average_pool: async (golden) =>
    valuesOf(
      await execute(golden.set, undefined, { features: golden.floats('features'), mask: golden.floats('mask') }, (ops, _, i) => ({
        prototype: maskedAveragePool(ops, i['features'] as never, i['mask'] as never),
      })),
    ),
  pseudo_mask: async (golden) => {
    const [reference, target, mask] = [golden.floats('ref_high'), golden.floats('tgt_high'), golden.floats('mask')];
    const relu = ({ data, shape }: Tensor): Tensor => ({ data: data.map((value) => Math.max(0, value)), shape });
    return valuesOf({
      pseudo: await pseudoMasks(golden.set, reference, target, mask, 'none'),
      pseudo_minmax: await pseudoMasks(golden.set, reference, target, mask, 'minmax'),
      pseudo_relu: await pseudoMasks(golden.set, relu(reference), relu(target), mask, 'none'),
    });
  },
  sine_position_encoding: (golden) => {
    const [channels, height, width] = [golden.param('channels'), golden.param('h'), golden.param('w')] as [number, number, number];
    return { pe: sinePositions(channels, height, width) };
  },
  attention_block: async (golden) => {
    const weightsName = golden.entry.weights[0] as string;
    const { dim } = promptEncoderConfigSchema.parse(golden.set.manifest.weights[weightsName]?.config);
    const config = { dim, numHeads: golden.param('num_heads') as number };
    const inputs = { q: golden.floats('q'), k: golden.floats('k'), v: golden.floats('v') };
    return valuesOf(
      await execute(golden.set, weightsName, inputs, (ops, weights, i) => ({
        out: attentionBlock(
          ops,
          weights.under(golden.param('prefix') as string),
          config,
          i['q'] as never,
          i['k'] as never,
          i['v'] as never,
        ),
      })),
    );
  },
};
