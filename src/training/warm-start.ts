/** Starts a prompt encoder from a checkpoint instead of from random values: an earlier version of one, or VRP-SAM's. */
import { checkTensors } from '../core/checkpoint/check-tensors.ts';
import { openWeightFile, readFloatTensors, type FloatTensor } from '../core/checkpoint/weight-file.ts';
import { ProsamError } from '../core/errors.ts';
import type { PromptEncoderConfig } from '../core/model/config.ts';
import { normal, type Random } from '../core/random.ts';
import { ATTENTION_BLOCKS, HEADS, promptEncoderShapes } from './parameters.ts';

/**
 * Log of the scale that a head without trained weights starts with: sigma = 0.135. Prompts of a trained encoder have a scale
 * of about one (they leave a layer norm), so the first samples stay near VRP-SAM's own prompt.
 */
export const FIRST_LOG_SIGMA = -2;
/** Standard deviation of that head's weights: enough to tell its inputs apart, too little to move sigma far. */
const LOG_SIGMA_WEIGHT_STD = 0.01;

/** The name of a VRP-SAM module that stands for each of ours. */
const VRP_SAM_MODULES: Readonly<Record<string, string>> = {
  'reduce.weight': 'downsample_query.0.weight',
  'fuse.weight': 'merge_1.0.weight',
  queries: 'transformer_decoder.supp_q_feat.weight',
  'ref_cross.attn': 'transformer_decoder.transformer_cross_attention_layers_0.0.multihead_attn',
  'ref_self.attn': 'transformer_decoder.transformer_self_attention_layers_0.0.self_attn',
  'tgt_cross.attn': 'transformer_decoder.transformer_cross_attention_layers.0.multihead_attn',
  'tgt_self.attn': 'transformer_decoder.transformer_self_attention_layers.0.self_attn',
};
/** The backbone, which VRP-SAM saves along. */
const VRP_SAM_BACKBONE = /^layer[0-4]\./;

export interface WarmStart {
  /** Every parameter of the configuration, in the order of `promptEncoderShapes`. */
  parameters: Map<string, FloatTensor>;
  from: 'prosam' | 'vrp-sam';
  /** What a person should know: what was made up and what was left out. One sentence each. */
  notes: string[];
}

/**
 * Reads a prompt encoder of this project (any version) or a VRP-SAM checkpoint, from safetensors or from what torch.save
 * wrote. Heads that the checkpoint lacks start as: mean = the prompts themselves (identity), log sigma about `FIRST_LOG_SIGMA`.
 *
 * random: used for such a head's weights only.
 * @throws MODEL_NOT_FOUND, CHECKPOINT_INVALID, CHECKPOINT_PICKLE; CHECKPOINT_MISMATCH with every name and shape that differs
 */
export async function promptEncoderFromCheckpoint(file: string, config: PromptEncoderConfig, random: Random): Promise<WarmStart> {
  const weights = await openWeightFile(file);
  const stored = withoutPrefix([...weights.tensors.keys()]);
  const from = sourceOf(stored, file);
  const theirs = (name: string): string => (from === 'prosam' ? name : vrpSamName(name));
  const hasHeads = HEADS.some((head) => stored.has(theirs(`${head}.weight`)));
  const shapes = promptEncoderShapes(config);
  const { probabilistic, stackedHeads = false } = config;
  const wanted = promptEncoderShapes({ ...config, probabilistic: probabilistic && hasHeads, stackedHeads: stackedHeads && hasHeads });

  const known = new Map([...promptEncoderShapes({ ...config, probabilistic: true }).keys()].map((name) => [theirs(name), name]));
  const present = new Map<string, { shape: readonly number[] }>();
  const leftOut: string[] = [];
  for (const [name, key] of stored) {
    const ours = known.get(name);
    const entry = weights.tensors.get(key) as { shape: readonly number[] };
    if (ours !== undefined && wanted.has(ours)) present.set(ours, entry);
    else if (ours !== undefined || from === 'vrp-sam') leftOut.push(name);
    else present.set(name, entry);
  }
  checkTensors(wanted, present, file);

  const keys = new Map([...wanted.keys()].map((name) => [name, stored.get(theirs(name)) as string]));
  const values = await readFloatTensors(weights, keys.values());
  const parameters = new Map<string, FloatTensor>();
  for (const [name, shape] of shapes) {
    const key = keys.get(name);
    const tensor = key === undefined ? { data: firstHead(name, config, random), shape } : (values.get(key) as FloatTensor);
    if (!tensor.data.every(Number.isFinite))
      throw new ProsamError('CHECKPOINT_INVALID', `${file}: wanted finite numbers, ${name} holds others. Start from another checkpoint.`);
    parameters.set(name, { data: tensor.data, shape });
  }
  return { parameters, from, notes: notesOn(from, leftOut, probabilistic && !hasHeads) };
}

/** Name -> key in the file. Distributed training puts `module.` before every name. */
function withoutPrefix(keys: readonly string[]): Map<string, string> {
  const prefixed = keys.every((key) => key.startsWith('module.'));
  return new Map(keys.map((key) => [prefixed ? key.slice('module.'.length) : key, key]));
}

function sourceOf(stored: ReadonlyMap<string, string>, file: string): 'prosam' | 'vrp-sam' {
  if (stored.has('reduce.weight')) return 'prosam';
  if (stored.has(vrpSamName('reduce.weight'))) return 'vrp-sam';
  const first = [...stored.keys()].slice(0, 3).join(', ');
  throw new ProsamError(
    'CHECKPOINT_MISMATCH',
    `${file}: wanted a prompt encoder (with reduce.weight) or a VRP-SAM checkpoint (with ${vrpSamName('reduce.weight')}), ` +
      `got ${stored.size} tensors that are neither: ${first}${stored.size > 3 ? ', ...' : ''}. Name such a checkpoint, or train from scratch.`,
  );
}

/** ref_cross.attn.out_proj.bias -> transformer_decoder. ... .multihead_attn.out_proj.bias; heads, which it has none of, stay as they are. */
function vrpSamName(name: string): string {
  const whole = VRP_SAM_MODULES[name];
  if (whole !== undefined) return whole;
  for (const block of ATTENTION_BLOCKS) {
    const attention = VRP_SAM_MODULES[`${block}.attn`] as string;
    if (name.startsWith(`${block}.attn.`)) return attention + name.slice(`${block}.attn`.length);
    if (name.startsWith(`${block}.norm.`)) return attention.replace(/[^.]+$/, '') + name.slice(block.length + 1);
  }
  return name;
}

/** Values of a head that no checkpoint gives; stacked, both change nothing at first. */
function firstHead(name: string, { dim, stackedHeads = false }: PromptEncoderConfig, random: Random): Float32Array {
  if (name === 'mu_head.weight' || (stackedHeads && name.endsWith('.weight')))
    return Float32Array.from({ length: dim * dim }, (_, i) => (i % (dim + 1) === 0 ? 1 : 0));
  if (name === 'log_sigma_head.weight') return Float32Array.from({ length: dim * dim }, () => LOG_SIGMA_WEIGHT_STD * normal(random));
  return new Float32Array(dim).fill(name === 'log_sigma_head.bias' && !stackedHeads ? FIRST_LOG_SIGMA : 0);
}

function notesOn(from: WarmStart['from'], leftOut: readonly string[], newHeads: boolean): string[] {
  const notes: string[] = [];
  if (newHeads)
    notes.push(
      `The checkpoint has no heads: the mean starts as its own prompts (identity), log sigma at about ${FIRST_LOG_SIGMA} (sigma ${Math.exp(FIRST_LOG_SIGMA).toFixed(3)}).`,
    );
  const backbone = leftOut.filter((name) => from === 'vrp-sam' && VRP_SAM_BACKBONE.test(name));
  const others = leftOut.filter((name) => !backbone.includes(name));
  if (backbone.length > 0) notes.push(`Its backbone (${backbone.length} tensors) was left out: the model's own is used.`);
  if (others.length > 0)
    notes.push(
      `Left out, because this configuration has no use for it: ${others.slice(0, 10).join(', ')}${others.length > 10 ? ', ...' : ''}.`,
    );
  return notes;
}
