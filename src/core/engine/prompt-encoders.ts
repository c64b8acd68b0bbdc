/** The trained prompt encoders an engine can answer with: the model's own, and any put beside it while it runs. */
import { parsePromptEncoderPlan, PLAN_KEY, type PromptEncoderPlan } from '../checkpoint/manifest.ts';
import type { Model } from '../checkpoint/model-folder.ts';
import { floatsFromTensor, parseSafetensors } from '../checkpoint/formats/safetensors.ts';
import type { FloatTensor } from '../checkpoint/read-tensors.ts';
import { ProsamError } from '../common/errors.ts';
import { methodsOf, type Methods } from './methods/available.ts';
import { createTuner, type Tuner } from './learned/tuning/tuner.ts';
import { createCodeCache, createDistributionReader } from './methods/prosam.ts';
import { midShape } from '../onnx/model-graphs.ts';
import { checkPromptEncoder, type Networks } from '../onnx/networks.ts';
import type { PromptEncoderNetworks } from '../onnx/prompt-encoder-networks.ts';
import type { Tensor } from '../onnx/session.ts';
import type { PredictOptions } from './types.ts';

export interface LoadedPromptEncoder {
  plan: PromptEncoderPlan;
  /** All methods of the model with this encoder. */
  methods: Methods;
}

/** Methods that are measured on references, and the options of it. */
export interface ToMeasure {
  methods: Methods;
  options: PredictOptions;
}

export interface PromptEncoders {
  /** Without an id the model's own, if it has one. @throws VERSION_NOT_FOUND */
  get(id: string | undefined): LoadedPromptEncoder | undefined;
  /**
   * Methods to measure a label's references with. A version that stands beside the model's own encoder has learned from the very masks that would
   * judge it, and looks better on them than it is: the model's own is measured in its place.
   */
  toMeasure(asked: ToMeasure): ToMeasure;
  /** Tuning of the model's own, where that has a coarse mask. */
  readonly tuner: Tuner | undefined;
  load(id: string, file: Uint8Array): Promise<void>;
  unload(id: string): void;
  /** Forgets what is kept of references; the encoders stay. */
  clear(): void;
}

/** Each holds its weights (7 MB at full size) and what it keeps of references. */
const MAX_LOADED = 100;

export function createPromptEncoders(model: Model, networks: Networks, cacheBytes: number): PromptEncoders {
  const { manifest } = model;
  const codes = createCodeCache(cacheBytes);
  const withMethods = (plan: PromptEncoderPlan, stages: PromptEncoderNetworks, id: string): LoadedPromptEncoder => ({
    plan,
    methods: methodsOf({ plan, read: createDistributionReader(plan, stages, codes, id) }),
  });
  const own = manifest.prompt_encoder && withMethods(manifest.prompt_encoder, networks, 'own');
  const loaded = new Map<string, LoadedPromptEncoder>();

  const { promptEncoder: weights } = model;
  const tuner = own && weights && createTuner({ plan: own.plan, weights }, networks, codes);

  return {
    tuner,
    clear() {
      codes.clear();
      tuner?.clear();
    },
    get(id) {
      if (id === undefined) return own;
      const found = loaded.get(id);
      if (found) return found;
      throw new ProsamError('VERSION_NOT_FOUND', `expected the prompt encoder ${id}, but it is not loaded. Load it first.`);
    },
    toMeasure({ methods, options }) {
      const { promptEncoder, ...others } = options;
      if (promptEncoder === undefined || own === undefined) return { methods, options };
      return { methods: new Map([...own.methods].filter(([name]) => methods.has(name))), options: others };
    },
    async load(id, file) {
      if (loaded.has(id)) return;
      if (loaded.size >= MAX_LOADED)
        throw new ProsamError('OPTION_INVALID', `expected at most ${MAX_LOADED} prompt encoders loaded at once. Unload some first.`);
      const label = `prompt encoder ${id}`;
      const { tensors, metadata } = parseSafetensors(file, label);
      const described = metadata[PLAN_KEY];
      const plan = described === undefined ? own?.plan : parsePromptEncoderPlan(described, manifest, label);
      if (plan === undefined)
        throw new ProsamError(
          'CHECKPOINT_INVALID',
          `${label}: expected its configuration under ${PLAN_KEY} in its metadata, found none. Export it again.`,
        );
      checkPromptEncoder(manifest, plan.config, tensors, label);
      const weights = new Map<string, FloatTensor>();
      for (const [name, entry] of tensors) {
        const bytes = file.subarray(entry.offset, entry.offset + entry.byteLength);
        const data = floatsFromTensor(entry, bytes, `${label}: ${name}`);
        weights.set(name, { data, shape: entry.shape });
      }
      const stages = networks.promptEncoder(plan.config, weights);
      await rehearse(stages, midShape(manifest), label);
      // By content: an id may come back with other weights, and the same weights find what was kept of references.
      const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', new Uint8Array(file)));
      loaded.set(id, withMethods(plan, stages, digest.slice(0, 8).join()));
    },
    unload(id) {
      loaded.delete(id);
    },
  };
}

/** One run on made-up features: makes the sessions, and finds weights that give no numbers. */
async function rehearse(stages: PromptEncoderNetworks, shape: readonly (number | string)[], label: string): Promise<void> {
  const [, channels, rows, columns] = shape as [number, number, number, number];
  const cells = rows * columns;
  const mid: Tensor = { data: Float32Array.from({ length: channels * cells }, (_, i) => Math.sin(i)), shape: [1, channels, rows, columns] };
  const mask = Float32Array.from({ length: cells }, (_, i) => i % 2);
  const code = await stages.encodeReference(mid, mask);
  const { mu, logSigma } = await stages.promptDistribution(mid, { data: mask, shape: [1, 1, rows, columns] }, code);
  if (mu.data.every(Number.isFinite) && (logSigma === undefined || logSigma.data.every(Number.isFinite))) return;
  throw new ProsamError(
    'CHECKPOINT_INVALID',
    `${label}: expected weights that give finite prompts, got others. Train again or go back to an earlier version.`,
  );
}
