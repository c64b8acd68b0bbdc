/** Prompt encoders under this project's names, from its own checkpoints or from VRP-SAM's (names of the public code). */
import { ProsamError } from '../../common/errors.ts';
import type { CheckpointTensors } from '../checkpoint.ts';
import { firstNames, mapNames, renamed, underMarker, type RenameRule } from './rename.ts';

const OWN = 'reduce.weight';
const VRP_SAM = 'downsample_query.0.weight';

const RULES: readonly RenameRule[] = [
  [/^downsample_query\.0\.weight$/, 'reduce.weight'],
  [/^merge_1\.0\.weight$/, 'fuse.weight'],
  [/^transformer_decoder\.supp_q_feat\.weight$/, 'queries'],
  [/^transformer_decoder\.transformer_cross_attention_layers_0\.0\.multihead_attn\./, 'ref_cross.attn.'],
  [/^transformer_decoder\.transformer_cross_attention_layers_0\.0\.norm\./, 'ref_cross.norm.'],
  [/^transformer_decoder\.transformer_self_attention_layers_0\.0\.self_attn\./, 'ref_self.attn.'],
  [/^transformer_decoder\.transformer_self_attention_layers_0\.0\.norm\./, 'ref_self.norm.'],
  [/^transformer_decoder\.transformer_cross_attention_layers\.0\.multihead_attn\./, 'tgt_cross.attn.'],
  [/^transformer_decoder\.transformer_cross_attention_layers\.0\.norm\./, 'tgt_cross.norm.'],
  [/^transformer_decoder\.transformer_self_attention_layers\.0\.self_attn\./, 'tgt_self.attn.'],
  [/^transformer_decoder\.transformer_self_attention_layers\.0\.norm\./, 'tgt_self.norm.'],
];
const NAMES = /^((reduce|fuse)\.weight|queries|(ref|tgt)_(cross|self)\.(attn|norm)\..+|(mu|log_sigma)_head\..+)$/;

export interface NamedPromptEncoder {
  from: 'prosam' | 'vrp-sam';
  tensors: CheckpointTensors;
  /** Other tensors in the file, under their own names: VRP-SAM saves its backbone along. */
  leftOut: string[];
}

/** @throws CHECKPOINT_MISMATCH for a checkpoint that is no prompt encoder. label: of the checkpoint, for messages */
export function promptEncoderTensors(tensors: CheckpointTensors, label: string): NamedPromptEncoder {
  const own = underMarker(tensors, OWN);
  if (own !== undefined) return { from: 'prosam', tensors: own, leftOut: [] };
  const theirs = underMarker(tensors, VRP_SAM);
  if (theirs === undefined)
    throw new ProsamError(
      'CHECKPOINT_MISMATCH',
      `${label}: expected a prompt encoder (with ${OWN}) or a VRP-SAM checkpoint (with ${VRP_SAM}), got ${firstNames(tensors)}, which are neither. ` +
        'Name such a checkpoint, or train from scratch.',
    );
  const all = mapNames(theirs, (name) => renamed(name, RULES));
  const known = new Map([...all].filter(([name]) => NAMES.test(name)));
  return { from: 'vrp-sam', tensors: known, leftOut: [...all.keys()].filter((name) => !known.has(name)) };
}
