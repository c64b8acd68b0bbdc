/** Cases of training: losses, gradients, optimiser, schedule. They run on TensorFlow.js. */
import { promptEncoderConfigSchema } from '../../src/core/checkpoint/config-schema.ts';
import type { FloatTensor } from '../../src/core/checkpoint/read-tensors.ts';
import type { DistributionConfig, DistributionKind, Noise } from '../../src/core/networks/prompt-distribution.ts';
import { weightsFrom } from '../../src/core/networks/ops.ts';
import { attentionBlock } from '../../src/core/networks/prompt-generator.ts';
import { join } from 'node:path';
import { maskLoss } from '../../src/training/step/mask-loss.ts';
import { adamWState, adamWStep } from '../../src/core/common/adamw.ts';
import { promptEncoderShapes } from '../../src/training/step/parameters.ts';
import { createPromptDecoder, type PromptDecoder } from '../../src/training/step/prompt-decoder.ts';
import { learningRate, PAPER_SCHEDULE } from '../../src/training/step/schedule.ts';
import { learnPrompts } from '../../src/training/study/prompt/search.ts';
import { tfjsOps, type Tf } from '../../src/training/tfjs/tfjs-ops.ts';
import { trainingStep, type StepResult, type TrainingBatch } from '../../src/training/step/training-step.ts';
import type { CaseRunners } from './cases.ts';
import { readTensors, type GoldenCase } from './golden-set.ts';
import { samConfigOf } from './network-cases.ts';

type Values = Record<string, ArrayLike<number>>;

function engine(golden: GoldenCase): Tf {
  const { tf } = golden.set.engines;
  if (tf === undefined) throw new Error('needs a training engine');
  return tf;
}

function weightsOf(golden: GoldenCase, name: string): Map<string, FloatTensor> {
  return readTensors(join(golden.set.dir, (golden.set.manifest.weights[name] as { file: string }).file)) as Map<string, FloatTensor>;
}

function decoderOf(golden: GoldenCase): PromptDecoder {
  const sam = weightsOf(golden, 'sam');
  return createPromptDecoder(engine(golden), (name) => sam.get(name) as FloatTensor, samConfigOf(golden));
}

/** Part i of a tensor along its first axis. */
function part({ data, shape }: FloatTensor, i: number): FloatTensor {
  const size = data.length / (shape[0] as number);
  return { data: data.subarray(i * size, (i + 1) * size), shape: shape.slice(1) };
}

/** Part i with the first axis kept. */
function only(tensor: FloatTensor, i: number): FloatTensor {
  return { data: part(tensor, i).data, shape: [1, ...tensor.shape.slice(1)] };
}

function distributionOf(golden: GoldenCase, kind = golden.param('kind') as string): DistributionConfig {
  if (kind === 'vrp') return { kind: 'deterministic', nu: 1, n: 1 };
  const width = golden.floats('eps').shape.at(-1) as number;
  return {
    kind: kind as DistributionKind,
    nu: golden.param('nu') as number,
    n: (golden.entry.params?.['n'] as number | undefined) ?? width,
  };
}

/** One step of a case: its frozen inputs, and the noise and dropout of step `step` where there are several. */
function step(golden: GoldenCase, decoder: PromptDecoder, parameters: Map<string, FloatTensor>, at?: number): StepResult {
  const given = (name: string): FloatTensor => (at === undefined ? golden.floats(name) : part(golden.floats(name), at));
  const distribution = distributionOf(golden);
  const name = golden.entry.weights.find((weights) => weights.startsWith('prompt_encoder_')) as string;
  const config = promptEncoderConfigSchema.parse(golden.set.manifest.weights[name]?.config);
  const encoder = { ...config, probabilistic: distribution.kind !== 'deterministic' };
  const batch: TrainingBatch = {
    referenceMid: golden.floats('feat_ref_mid'),
    targetMid: golden.floats('feat_tgt_mid'),
    referenceMask: golden.floats('feat_ref_mask'),
    pseudo: golden.floats('feat_pseudo'),
    image: { embedding: golden.floats('image_embeddings') },
    truth: golden.floats('gt'),
    channelFactors: given('channel_factors'),
  };
  const vectors = (batch.truth.shape[0] as number) * encoder.numPrompts;
  const none: Noise = { eps: new Float32Array(vectors * encoder.dim), delta: new Float32Array(vectors).fill(1) };
  const noise = encoder.probabilistic ? { eps: given('eps').data, delta: given('delta').data } : none;
  // An odd chunk, so that the last one is a smaller rest.
  return trainingStep(engine(golden), decoder, { encoder, distribution, chunk: 3 }, parameters, batch, noise);
}

function parametersOf(golden: GoldenCase): Map<string, FloatTensor> {
  const name = golden.entry.weights.find((weights) => weights.startsWith('prompt_encoder_')) as string;
  const config = promptEncoderConfigSchema.parse(golden.set.manifest.weights[name]?.config);
  const stored = weightsOf(golden, name);
  const probabilistic = distributionOf(golden).kind !== 'deterministic';
  return new Map([...promptEncoderShapes({ ...config, probabilistic }).keys()].map((key) => [key, stored.get(key) as FloatTensor]));
}

function trainGradients(golden: GoldenCase): Values {
  const decoder = decoderOf(golden);
  const result = step(golden, decoder, parametersOf(golden));
  const logits: Values = {};
  if ('logits' in golden.entry.expected) {
    const [samples, images, vectors, width] = (golden.entry.expected['z'] as { shape: number[] }).shape as [number, number, number, number];
    const rows: number[] = [];
    for (let k = 0; k < samples; k++) {
      for (let b = 0; b < images; b++) {
        const target = decoder.targets({ embedding: only(golden.floats('image_embeddings'), b) }, only(golden.floats('gt'), b));
        const size = vectors * width;
        const at = (k * images + b) * size;
        rows.push(...target.logits({ data: result.z.subarray(at, at + size), shape: [1, vectors, width] }));
        target.dispose();
      }
    }
    logits['logits'] = rows;
  }
  decoder.dispose();
  return {
    ...logits,
    loss: [result.loss],
    z: result.z,
    grad_z: result.gradZ,
    grad_mu: result.gradMu,
    grad_log_sigma: result.gradLogSigma,
    mu: result.mu,
    log_sigma: result.logSigma,
    ...Object.fromEntries([...result.gradients].map(([name, values]) => [`grad.${name}`, values])),
  };
}

/** A parameter under its name; packed biases also by their query and value thirds. */
function named(prefix: string, parameters: ReadonlyMap<string, FloatTensor>): Values {
  const out: Values = {};
  for (const [name, { data }] of parameters) {
    out[`${prefix}.${name}`] = data.slice();
    const third = data.length / 3;
    if (!name.endsWith('in_proj_bias')) continue;
    out[`${prefix}.${name}[q]`] = data.slice(0, third);
    out[`${prefix}.${name}[v]`] = data.slice(2 * third);
  }
  return out;
}

/** One map resized and the slope of its dot product with given values. */
function upsamplingGradient(golden: GoldenCase): Values {
  const tf = engine(golden);
  const [height, width] = golden.param('square') as [number, number];
  const [low, slope] = [golden.floats('low_res_logits'), golden.floats('grad_out')];
  const gradient = tf.tidy(() => {
    const along = tf.tensor(slope.data, [...slope.shape]);
    const dot = (x: ReturnType<typeof tf.tensor>) => tf.sum(tf.mul(tfjsOps(tf).resizeAligned(x, height, width), along));
    return tf
      .grad(dot)(tf.tensor(low.data, [...low.shape]))
      .dataSync();
  });
  return { grad_low_res: gradient };
}

function attentionGradients(golden: GoldenCase): Values {
  const tf = engine(golden);
  const weightsName = golden.entry.weights[0] as string;
  const stored = weightsOf(golden, weightsName);
  const prefix = golden.param('prefix') as string;
  const names = [...stored.keys()].filter((name) => name.startsWith(prefix)).map((name) => name.slice(prefix.length));
  const inputs = ['q', 'k', 'v'].map((name) => golden.floats(name));
  const tensors = [...inputs, ...names.map((name) => stored.get(prefix + name) as FloatTensor)];
  const config = {
    dim: (golden.floats('q').shape as number[])[2] as number,
    numHeads: golden.param('num_heads') as number,
  };
  const out: Values = {};
  tf.tidy(() => {
    const slope = golden.floats('grad_out');
    const apply = (given: readonly ReturnType<typeof tf.tensor>[]) => {
      const [q, k, v] = given as [ReturnType<typeof tf.tensor>, ReturnType<typeof tf.tensor>, ReturnType<typeof tf.tensor>];
      const weights = weightsFrom((name) => given[3 + names.indexOf(name)] as typeof q);
      return attentionBlock(tfjsOps(tf), weights, config, q, k, v);
    };
    const values = tensors.map(({ data, shape }) => tf.tensor(data, [...shape]));
    out['out'] = apply(values).dataSync();
    const gradients = tf.grads((...given) => tf.sum(tf.mul(apply(given), tf.tensor(slope.data, [...slope.shape]))))(values);
    gradients.forEach(
      (gradient, i) => (out[i < 3 ? `grad_${'qkv'[i] as string}` : `grad.${names[i - 3] as string}`] = gradient.dataSync()),
    );
  });
  return out;
}

export const trainingCases: CaseRunners = {
  mask_upsampling_grad: upsamplingGradient,
  attention_block: attentionGradients,
  losses: (golden) => {
    const tf = engine(golden);
    const { data, shape } = golden.floats('logits');
    const [samples, images] = shape as [number, number];
    const pixels = data.length / samples / images;
    const out: Values = {};
    tf.tidy(() => {
      const truth = tf.tile(tf.tensor(golden.floats('gt').data, [images, pixels]), [samples, 1]);
      const logits = tf.tensor(data, [samples * images, pixels]);
      const { total, bce, dice } = maskLoss(tf, logits, truth);
      const perSample = (rows: typeof bce): ArrayLike<number> => tf.mean(tf.reshape(rows, [samples, images]), 1).dataSync();
      Object.assign(out, { total: total.dataSync(), bce_per_k: perSample(bce), dice_per_k: perSample(dice) });
      out['grad_logits'] = tf
        .grad((x) => maskLoss(tf, x, truth).total)(logits)
        .dataSync();
    });
    return out;
  },
  sam_mask_decoder_grad: (golden) => {
    const decoder = decoderOf(golden);
    const [embeddings, prompts, truth] = [golden.floats('image_embeddings'), golden.floats('prompts'), golden.floats('gt')];
    const images = truth.shape[0] as number;
    const side = golden.entry.expected['low_res_logits']?.shape.at(-1) as number;
    // All images in one call, each with its own prompts.
    const targets = decoder.targets({ embedding: embeddings }, truth);
    const { bce, dice, gradient } = targets.lossAndGradient(prompts);
    // Asked for at its own size, a map is not resized.
    const low = decoder.targets({ embedding: embeddings }, { data: new Float32Array(images * side * side), shape: [images, side, side] });
    const logits = low.logits(prompts);
    targets.dispose();
    low.dispose();
    decoder.dispose();
    const loss = bce.reduce((sum, value, b) => sum + value + (dice[b] as number), 0) / images;
    return { loss: [loss], low_res_logits: logits, grad_prompts: gradient };
  },
  train_gradients_student_t: trainGradients,
  train_gradients_student_t_printed: trainGradients,
  train_gradients_gaussian: trainGradients,
  train_gradients_vrp_baseline: trainGradients,
  adamw: (golden) => {
    const start = golden.floats('param');
    const parameters = new Map([['param', { data: start.data.slice(), shape: start.shape }]]);
    const state = adamWState(parameters);
    const out: Values = {};
    const betas = golden.param('betas') as [number, number];
    for (let i = 0; i < (golden.floats('grads').shape[0] as number); i++) {
      const options = { weightDecay: golden.param('weight_decay') as number, betas, epsilon: golden.param('eps') as number };
      adamWStep(parameters, new Map([['param', part(golden.floats('grads'), i).data]]), state, golden.param('lr') as number, options);
      out[`after_${i + 1}`] = (parameters.get('param') as FloatTensor).data.slice();
    }
    return out;
  },
  train_steps: (golden) => {
    const decoder = decoderOf(golden);
    const parameters = new Map([...parametersOf(golden)].map(([name, { data, shape }]) => [name, { data: data.slice(), shape }]));
    const state = adamWState(parameters);
    const losses: number[] = [];
    let out: Values = {};
    for (let i = 0; i < (golden.param('steps') as number); i++) {
      const { loss, gradients } = step(golden, decoder, parameters, i);
      losses.push(loss);
      adamWStep(parameters, gradients, state, golden.param('lr') as number, { weightDecay: golden.param('weight_decay') as number });
      out = { ...out, ...named(`after_${i + 1}`, parameters) };
    }
    decoder.dispose();
    return { ...out, loss_per_step: losses };
  },
  lr_schedule: (golden) => {
    const lr = golden.param('base_lr') as number;
    const restartEpochs = golden.param('T_0') as number;
    const at = (options: Partial<typeof PAPER_SCHEDULE>, output: string, perEpoch: number): number[] => {
      const schedule = { ...PAPER_SCHEDULE, lr, restartEpochs, minLr: golden.param('eta_min') as number, ...options };
      const count = golden.entry.expected[output]?.shape[0] as number;
      return Array.from({ length: count }, (_, i) => learningRate(schedule, i / perEpoch) * 1e4);
    };
    const cosineEpochs = (golden.entry.expected['vrp_cosine']?.shape[0] as number) / 4;
    return {
      epoch_tmult1: at({}, 'epoch_tmult1', 1),
      epoch_tmult2: at({ restartFactor: 2 }, 'epoch_tmult2', 1),
      iteration_tmult1: at({}, 'iteration_tmult1', 4),
      vrp_cosine: at({ kind: 'cosine', epochs: cosineEpochs }, 'vrp_cosine', 4),
    };
  },
  verification_study: (golden) => {
    const decoder = decoderOf(golden);
    const [image, gt] = [golden.floats('image_embedding'), golden.floats('gt')];
    const target = decoder.targets({ embedding: image }, { data: gt.data, shape: [1, ...gt.shape] });
    const [eps, delta] = [golden.floats('eps'), golden.floats('delta')];
    const size = golden.floats('init').data.length;
    const settings = {
      lr: golden.param('lr') as number,
      weightDecay: golden.param('weight_decay') as number,
      maxSteps: golden.param('steps') as number,
    };
    const still: Noise = { eps: new Float32Array(size), delta: new Float32Array(golden.floats('init').shape[0] as number).fill(1) };
    const point = learnPrompts(target, golden.floats('init'), {
      ...settings,
      distribution: distributionOf(golden, 'deterministic'),
      draw: () => still,
    });
    const spread = learnPrompts(target, golden.floats('init'), {
      ...settings,
      distribution: distributionOf(golden),
      draw: (i) => ({ eps: part(eps, i).data, delta: part(delta, i).data }),
    });
    target.dispose();
    decoder.dispose();
    return {
      prompt_losses: point.losses,
      prompt_final: point.mu,
      dist_losses: spread.losses,
      dist_mu: spread.mu,
      dist_log_sigma: spread.logSigma,
    };
  },
};
