/** The stages of a prompt encoder as functions on tensors. Its weights travel with every call, so that other weights need no other session. */
import type { Manifest } from '../checkpoint/manifest.ts';
import type { Model } from '../checkpoint/model-folder.ts';
import type { FloatTensor } from '../checkpoint/read-tensors.ts';
import { ProsamError } from '../common/errors.ts';
import { COARSE_WEIGHTS, type CoarseExamples, type CoarseWeight } from '../networks/coarse-gradients.ts';
import type { PromptEncoderConfig } from '../networks/config.ts';
import { emitWithWeightInputs, weightInput } from './emit.ts';
import { coarseGradientsGraph, encodeReferenceGraph, encodeTargetGraph } from './model-graphs.ts';
import type { Session, Tensor } from './session.ts';
import type { Sessions } from './sessions.ts';

/** Prompt encoder's code of one reference. */
export interface ReferenceCode {
  /** [1, c, 1, 1] */
  prototype: Tensor;
  /** [1, m, c] */
  queries: Tensor;
}

export interface PromptDistribution {
  /** [1, m, c] */
  mu: Tensor;
  /** [1, m, c] */
  logSigma?: Tensor;
  /** Logits of the coarse mask. [1, 1, h, w] */
  coarse?: Tensor;
}

/** The stages that have trained weights. */
export interface PromptEncoderNetworks {
  encodeReference(mid: Tensor, mask: Float32Array): Promise<ReferenceCode>;
  promptDistribution(mid: Tensor, pseudo: Tensor, code: ReferenceCode): Promise<PromptDistribution>;
  /** Gradients of the coarse mask's loss by the weights that draw it; of encoders that have one. */
  coarseGradients(examples: CoarseExamples<Tensor>): Promise<Record<CoarseWeight, Tensor>>;
}

/** Other weights; those of one configuration share their sessions. */
export type OpenPromptEncoder = (config: PromptEncoderConfig, weights: ReadonlyMap<string, FloatTensor>) => PromptEncoderNetworks;

interface EncoderNetworks {
  promptEncoder: OpenPromptEncoder;
  /** With the model's own weights, if it has some. */
  own: PromptEncoderNetworks;
  /** Makes each session of the model's own encoder, or finds it made. */
  ahead: (() => Promise<unknown>)[];
}

const GRAPHS = { reference: encodeReferenceGraph, target: encodeTargetGraph, gradients: coarseGradientsGraph } as const;

export function createEncoderNetworks({ id, manifest, promptEncoder: tensors }: Model, sessions: Sessions): EncoderNetworks {
  const session = (part: keyof typeof GRAPHS, config: PromptEncoderConfig): Promise<Session> =>
    sessions.of(`${part} ${JSON.stringify(config)}`, () => emitWithWeightInputs(GRAPHS[part](partsWith(manifest, config))));
  const promptEncoder: OpenPromptEncoder = (config, given) => {
    const weights = Object.fromEntries([...given].map(([name, tensor]) => [weightInput(name), tensor]));
    const run = async <K extends string>(part: keyof typeof GRAPHS, inputs: object): Promise<Record<K, Tensor>> =>
      (await session(part, config)).run({ ...weights, ...inputs });
    return {
      encodeReference: (mid, mask) => run('reference', { mid, mask: { data: mask, shape: [1, 1, ...mid.shape.slice(2)] } }),
      promptDistribution: (mid, pseudo, { prototype, queries }) => run('target', { mid, pseudo, prototype, queries }),
      coarseGradients: async (examples) => {
        const used = Object.fromEntries(COARSE_WEIGHTS.map((name) => [weightInput(name), given.get(name) as Tensor]));
        return (await session('gradients', config)).run({ ...used, ...examples });
      },
    };
  };
  const without = (): never => {
    throw new ProsamError('METHOD_UNAVAILABLE', `the model ${id} has no trained prompt encoder. Train one, or use another method.`);
  };
  const config = manifest.prompt_encoder?.config;
  if (config === undefined)
    return { promptEncoder, own: { encodeReference: without, promptDistribution: without, coarseGradients: without }, ahead: [] };
  return {
    promptEncoder,
    own: promptEncoder(config, tensors ?? new Map()),
    ahead: [() => session('reference', config), () => session('target', config)],
  };
}

function partsWith(manifest: Manifest, config: PromptEncoderConfig) {
  return { ...manifest, prompt_encoder: { config } };
}
