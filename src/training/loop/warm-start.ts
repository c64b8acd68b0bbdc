/** Starts a prompt encoder from a checkpoint instead of from random values: an earlier version of one, or VRP-SAM's. */
import { checkTensors } from '../../core/checkpoint/check-tensors.ts';
import { promptEncoderTensors } from '../../core/checkpoint/names/prompt-encoder.ts';
import { openCheckpoint } from '../../core/checkpoint/open-checkpoint.ts';
import { readFloatTensors, type FloatTensor } from '../../core/checkpoint/read-tensors.ts';
import { ProsamError } from '../../core/common/errors.ts';
import type { PromptEncoderConfig } from '../../core/networks/config.ts';
import { normal, type Random } from '../../core/common/random.ts';
import { HEADS, promptEncoderShapes } from '../step/parameters.ts';

/**
 * Log of the scale that a head without trained weights starts with: sigma = 0.135. Prompts of a trained encoder have a scale
 * of about one (they leave a layer norm), so the first samples stay near VRP-SAM's own prompt.
 */
export const FIRST_LOG_SIGMA = -2;
/** Standard deviation of that head's weights: enough to tell its inputs apart, too little to move sigma far. */
const LOG_SIGMA_WEIGHT_STD = 0.01;

/** The backbone, which VRP-SAM saves along. */
const VRP_SAM_BACKBONE = /^layer[0-4]\./;

export interface WarmStart {
  /** Every parameter of the configuration, in the order of `promptEncoderShapes`. */
  parameters: Map<string, FloatTensor>;
  from: 'prosam' | 'vrp-sam';
  /** Notes for people: weights that were initialized anew and those that were left out. One sentence each. */
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
  const checkpoint = await openCheckpoint(file);
  const { from, tensors, leftOut: others } = promptEncoderTensors(checkpoint.tensors, file);
  const hasHeads = HEADS.some((head) => tensors.has(`${head}.weight`));
  const shapes = promptEncoderShapes(config);
  const { probabilistic, stackedHeads = false } = config;
  const wanted = promptEncoderShapes({ ...config, probabilistic: probabilistic && hasHeads, stackedHeads: stackedHeads && hasHeads });

  const known = promptEncoderShapes({ ...config, probabilistic: true });
  const spare = [...tensors.keys()].filter((name) => known.has(name) && !wanted.has(name));
  const present = new Map([...tensors].filter(([name]) => !spare.includes(name)));
  checkTensors(wanted, present, file);
  const leftOut = [...spare, ...others];

  const values = await readFloatTensors({ ...checkpoint, tensors: present }, wanted.keys());
  const parameters = new Map<string, FloatTensor>();
  for (const [name, shape] of shapes) {
    const tensor = values.get(name) ?? { data: firstHead(name, config, random), shape };
    if (!tensor.data.every(Number.isFinite))
      throw new ProsamError('CHECKPOINT_INVALID', `${file}: expected finite numbers, ${name} holds others. Start from another checkpoint.`);
    parameters.set(name, { data: tensor.data, shape });
  }
  return { parameters, from, notes: notesOn(from, leftOut, probabilistic && !hasHeads) };
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
