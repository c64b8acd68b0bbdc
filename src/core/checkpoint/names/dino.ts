/**
 * DINOv2 and DINOv3 under the names the networks ask for, from Meta's checkpoints or those of Hugging Face's transformers: Meta's
 * names, but DINOv3's two biases of queries and values apart, because its keys have none.
 */
import { ProsamError } from '../../common/errors.ts';
import type { CheckpointTensor, CheckpointTensors } from '../checkpoint.ts';
import { mapNames, renamed, rowsOf, stacked, underMarker, type RenameRule } from './rename.ts';

/** Names that tell the four forms apart. Registers are called storage tokens in DINOv3's own code, and only there. */
const META_DINOV2 = 'blocks.0.ls1.gamma';
const META_DINOV3 = 'storage_tokens';
const TRANSFORMERS_DINOV2 = 'embeddings.patch_embeddings.projection.weight';
const TRANSFORMERS_DINOV3 = 'embeddings.patch_embeddings.weight';

/** The first of two names is that of published checkpoints, the second that of the model in memory since transformers 5. */
const DINOV2_RULES: readonly RenameRule[] = [
  [/^embeddings\.patch_embeddings\.projection\./, 'patch_embed.proj.'],
  [/^embeddings\.position_embeddings$/, 'pos_embed'],
  [/^embeddings\.(cls_token|mask_token|register_tokens)$/, '$1'],
  [/^encoder\.layer\.(\d+)\.attention\.(?:output\.dense|o_proj)\./, 'blocks.$1.attn.proj.'],
  [/^encoder\.layer\.(\d+)\.layer_scale([12])\.lambda1$/, 'blocks.$1.ls$2.gamma'],
  [/^encoder\.layer\.(\d+)\.(norm[12]|mlp\.\w+)\./, 'blocks.$1.$2.'],
  [/^layernorm\./, 'norm.'],
];
const DINOV2_PART = /^encoder\.layer\.(\d+)\.attention\.(?:attention\.(query|key|value)|([qkv])_proj)\.(weight|bias)$/;

const DINOV3_RULES: readonly RenameRule[] = [
  [/^embeddings\.patch_embeddings\./, 'patch_embed.proj.'],
  [/^embeddings\.register_tokens$/, 'storage_tokens'],
  [/^embeddings\.(cls_token|mask_token)$/, '$1'],
  [/^(?:model\.)?layer\.(\d+)\.attention\.([qkv])_proj\.bias$/, 'blocks.$1.attn.$2.bias'],
  [/^(?:model\.)?layer\.(\d+)\.attention\.o_proj\./, 'blocks.$1.attn.proj.'],
  [/^(?:model\.)?layer\.(\d+)\.layer_scale([12])\.lambda1$/, 'blocks.$1.ls$2.gamma'],
  [/^(?:model\.)?layer\.(\d+)\.mlp\.up_proj\./, 'blocks.$1.mlp.fc1.'],
  [/^(?:model\.)?layer\.(\d+)\.mlp\.down_proj\./, 'blocks.$1.mlp.fc2.'],
  [/^(?:model\.)?layer\.(\d+)\.(norm[12]|mlp\.\w+)\./, 'blocks.$1.$2.'],
];
const DINOV3_PART = /^(?:model\.)?layer\.(\d+)\.attention\.()([qkv])_proj\.(weight)$/;

interface NamedDino {
  kind: 'dinov2' | 'dinov3';
  tensors: CheckpointTensors;
}

/** Undefined for a checkpoint of something else. @throws CHECKPOINT_MISMATCH for one whose queries, keys and values do not fit */
export function dinoTensors(tensors: CheckpointTensors, label: string): NamedDino | undefined {
  const transformers2 = underMarker(tensors, TRANSFORMERS_DINOV2);
  if (transformers2) return { kind: 'dinov2', tensors: fromTransformers(transformers2, DINOV2_RULES, DINOV2_PART, label) };
  const transformers3 = underMarker(tensors, TRANSFORMERS_DINOV3);
  if (transformers3) return { kind: 'dinov3', tensors: fromTransformers(transformers3, DINOV3_RULES, DINOV3_PART, label) };
  const meta3 = underMarker(tensors, META_DINOV3);
  if (meta3) return { kind: 'dinov3', tensors: fromMetaDinov3(meta3, label) };
  const meta2 = underMarker(tensors, META_DINOV2);
  return meta2 && { kind: 'dinov2', tensors: meta2 };
}

/** part: query, key and value apart, which become one. */
function fromTransformers(tensors: CheckpointTensors, rules: readonly RenameRule[], part: RegExp, label: string): CheckpointTensors {
  const out = mapNames(tensors, (name) => (part.test(name) ? undefined : renamed(name, rules)));
  const apart = new Map<string, Map<string, CheckpointTensor>>();
  for (const [name, tensor] of tensors) {
    const [, block, word, letter, kind] = part.exec(name) ?? [];
    if (block === undefined) continue;
    const whole = `blocks.${block}.attn.qkv.${kind}`;
    const parts = apart.get(whole) ?? new Map<string, CheckpointTensor>();
    apart.set(whole, parts.set(letter ?? (word as string).charAt(0), tensor));
  }
  for (const [whole, parts] of apart) {
    const inOrder = ['q', 'k', 'v'].flatMap((letter) => parts.get(letter) ?? []);
    const qkv = inOrder.length === 3 ? stacked(inOrder) : undefined;
    if (qkv === undefined) throw doNotFit(label, whole);
    out.set(whole, qkv);
  }
  return out;
}

const WHOLE_BIAS = /^(blocks\.\d+\.attn\.)qkv\.bias$/;
/** Training's own: the mask of the biases, and frequencies that follow from the configuration. */
const LEFT_OUT = /(\.qkv\.bias_mask|^rope_embed\.periods)$/;

/** Rows of a bias that belong to the keys count for nothing where a mask stands beside it. */
function fromMetaDinov3(tensors: CheckpointTensors, label: string): CheckpointTensors {
  const out = mapNames(tensors, (name) => (WHOLE_BIAS.test(name) || LEFT_OUT.test(name) ? undefined : name));
  for (const [name, bias] of tensors) {
    const [, at] = WHOLE_BIAS.exec(name) ?? [];
    if (at === undefined) continue;
    const width = (bias.shape[0] ?? 0) / 3;
    ['q', 'k', 'v'].forEach((letter, i) => {
      if (letter === 'k' && tensors.has(`${name}_mask`)) return;
      const part = Number.isInteger(width) ? rowsOf(bias, i * width, (i + 1) * width) : undefined;
      if (part === undefined) throw doNotFit(label, name);
      out.set(`${at}${letter}.bias`, part);
    });
  }
  return out;
}

function doNotFit(label: string, name: string): ProsamError {
  const [, block, kind] = /^blocks\.(\d+)\.attn\.qkv\.(\w+)$/.exec(name) ?? [];
  return new ProsamError(
    'CHECKPOINT_MISMATCH',
    `${label}: query, key and value of block ${block} do not go together (${kind}). Fetch the checkpoint again.`,
  );
}
