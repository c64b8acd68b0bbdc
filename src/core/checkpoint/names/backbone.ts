/** Backbones under the names of torchvision (ResNet, VGG) and of Meta's own code (DINO), wherever the checkpoint comes from. */
import { ProsamError } from '../../common/errors.ts';
import type { CheckpointTensors } from '../checkpoint.ts';
import { dinoTensors } from './dino.ts';
import { firstNames, mapNames, renamed, underMarker, type RenameRule } from './rename.ts';

export type BackboneKind = 'resnet' | 'vgg' | 'dinov2' | 'dinov3';

/** A name that every network of the kind has. */
const MARKERS: readonly [BackboneKind, string][] = [
  ['resnet', 'layer1.0.conv1.weight'],
  ['vgg', 'features.0.weight'],
];
const VRP_SAM_STEM = 'layer0.0.weight';

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
  const dino = dinoTensors(tensors, label);
  if (dino !== undefined) return dino;
  for (const [kind, marker] of MARKERS) {
    const found = underMarker(tensors, marker);
    if (found !== undefined) return { kind, tensors: found };
  }
  throw new ProsamError(
    'CHECKPOINT_MISMATCH',
    `${label}: expected a backbone (ResNet-50, VGG-16, DINOv2 or DINOv3 under the names of torchvision, timm, Meta or Hugging Face), ` +
      `got ${firstNames(tensors)}. Use one of these.`,
  );
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
