/** Backbones under the names of torchvision (ResNet, VGG) and of DINOv2's own code, wherever the checkpoint comes from. */
import { ProsamError } from '../../common/errors.ts';
import type { CheckpointTensor, CheckpointTensors } from '../checkpoint.ts';
import { firstNames, mapNames, renamed, stacked, underMarker, type RenameRule } from './rename.ts';

export type BackboneKind = 'resnet' | 'vgg' | 'dinov2';

/** A name that every network of the kind has. */
const MARKERS: readonly [BackboneKind, string][] = [
  ['resnet', 'layer1.0.conv1.weight'],
  ['vgg', 'features.0.weight'],
  ['dinov2', 'blocks.0.ls1.gamma'],
];
const TRANSFORMERS_DINOV2 = 'embeddings.patch_embeddings.projection.weight';
const VRP_SAM_STEM = 'layer0.0.weight';

const DINOV2_RULES: readonly RenameRule[] = [
  [/^embeddings\.patch_embeddings\.projection\./, 'patch_embed.proj.'],
  [/^embeddings\.position_embeddings$/, 'pos_embed'],
  [/^embeddings\.(cls_token|mask_token)$/, '$1'],
  [/^encoder\.layer\.(\d+)\.attention\.output\.dense\./, 'blocks.$1.attn.proj.'],
  [/^encoder\.layer\.(\d+)\.layer_scale([12])\.lambda1$/, 'blocks.$1.ls$2.gamma'],
  [/^encoder\.layer\.(\d+)\.(norm[12]|mlp\.fc[12])\./, 'blocks.$1.$2.'],
  [/^layernorm\./, 'norm.'],
];
const DINOV2_QUERY = /^encoder\.layer\.(\d+)\.attention\.attention\.(query|key|value)\.(weight|bias)$/;

/** In VRP-SAM's checkpoints the backbone is five lists; the first holds ResNet's stem, with ReLUs between. */
const RESNET_STEM_RULES: readonly RenameRule[] = [
  [/^layer0\.0\./, 'conv1.'],
  [/^layer0\.1\./, 'bn1.'],
  [/^layer0\.3\./, 'conv2.'],
  [/^layer0\.4\./, 'bn2.'],
  [/^layer0\.6\./, 'conv3.'],
  [/^layer0\.7\./, 'bn3.'],
];
/** First layer of each of VRP-SAM's lists in torchvision's `features` of VGG-16 with batch norm. */
const VGG_LISTS = [0, 7, 14, 24, 34] as const;

/** @throws CHECKPOINT_MISMATCH for a checkpoint that is none of the backbones */
export function backboneTensors(tensors: CheckpointTensors, label: string): { kind: BackboneKind; tensors: CheckpointTensors } {
  const vrpSam = underMarker(tensors, VRP_SAM_STEM);
  if (vrpSam !== undefined) return fromVrpSam(vrpSam);
  const transformers = underMarker(tensors, TRANSFORMERS_DINOV2);
  if (transformers !== undefined) return { kind: 'dinov2', tensors: fromTransformersDinov2(transformers, label) };
  for (const [kind, marker] of MARKERS) {
    const found = underMarker(tensors, marker);
    if (found !== undefined) return { kind, tensors: found };
  }
  throw new ProsamError(
    'CHECKPOINT_MISMATCH',
    `${label}: expected a backbone (ResNet-50, VGG-16 or DINOv2 under the names of torchvision, timm, Meta or Hugging Face), ` +
      `got ${firstNames(tensors)}. Use one of these.`,
  );
}

function fromTransformersDinov2(tensors: CheckpointTensors, label: string): CheckpointTensors {
  const out: Map<string, CheckpointTensor> = mapNames(tensors, (name) =>
    DINOV2_QUERY.test(name) ? undefined : renamed(name, DINOV2_RULES),
  );
  for (const name of tensors.keys()) {
    const [, block, which, kind] = DINOV2_QUERY.exec(name) ?? [];
    if (which !== 'query') continue;
    const parts = ['query', 'key', 'value'].map((one) => tensors.get(name.replace('.query.', `.${one}.`)));
    const qkv = parts.every((part) => part !== undefined) ? stacked(parts) : undefined;
    if (qkv === undefined)
      throw new ProsamError(
        'CHECKPOINT_MISMATCH',
        `${label}: query, key and value of block ${block} do not go together (${kind}). Fetch the checkpoint again.`,
      );
    out.set(`blocks.${block}.attn.qkv.${kind}`, qkv);
  }
  return out;
}

function fromVrpSam(tensors: CheckpointTensors): { kind: BackboneKind; tensors: CheckpointTensors } {
  if (tensors.has('layer1.0.conv1.weight'))
    return {
      kind: 'resnet',
      tensors: mapNames(tensors, (name) => (/^layer[0-4]\./.test(name) ? renamed(name, RESNET_STEM_RULES) : undefined)),
    };
  const vggName = (name: string): string | undefined => {
    const [, list, index, rest] = /^layer([0-4])\.(\d+)\.(.+)$/.exec(name) ?? [];
    return list === undefined ? undefined : `features.${(VGG_LISTS[Number(list)] as number) + Number(index)}.${rest}`;
  };
  return { kind: 'vgg', tensors: mapNames(tensors, vggName) };
}
