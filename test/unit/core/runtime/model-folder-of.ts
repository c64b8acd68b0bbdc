/** Model folders made of the golden set's tiny networks, for tests of what the built-in model does not have. */
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  floatsFromTensor,
  parseSafetensors,
  safetensorsBytes,
  type TensorToWrite,
} from '../../../../src/core/checkpoint/formats/safetensors.ts';
import { openGoldenSet } from '../../../golden/golden-set.ts';

const GOLDEN = 'test/golden/data';
const GOLDEN_DINO = 'test/golden/dino-data';

export interface FolderOptions {
  backbone: 'resnet' | 'vgg' | 'dino' | 'registers' | 'dinov3' | 'sam';
  resize: 'aligned' | 'stretch' | 'longest-side';
  withPromptEncoder: boolean;
  half: boolean;
}

const PARTS = {
  resnet: { backbone: 'backbone_resnet_deep', encoder: 'prompt_encoder_resnet', imageSize: 64 },
  vgg: { backbone: 'backbone_vgg', encoder: 'prompt_encoder_vgg', imageSize: 56 },
  dino: { backbone: 'backbone_dinov2', encoder: 'prompt_encoder_dino', imageSize: 56 },
  registers: { backbone: 'backbone_dinov2_registers', encoder: 'prompt_encoder_dino', imageSize: 56, set: GOLDEN_DINO },
  dinov3: { backbone: 'backbone_dinov3', encoder: 'prompt_encoder_dino', imageSize: 64, set: GOLDEN_DINO },
} as const;

/** The nearest half-precision number's bits. */
function halfBits(value: number): number {
  const view = new DataView(new ArrayBuffer(2));
  view.setFloat16(0, value, true);
  return view.getUint16(0, true);
}

function inHalf(bytes: Uint8Array): Uint8Array {
  const tensors: Record<string, TensorToWrite> = {};
  for (const [name, entry] of parseSafetensors(bytes, 'golden').tensors) {
    const values = floatsFromTensor(entry, bytes.subarray(entry.offset, entry.offset + entry.byteLength), name);
    tensors[name] = { dtype: 'F16', shape: entry.shape, bytes: new Uint8Array(Uint16Array.from(values, halfBits).buffer) };
  }
  return safetensorsBytes(tensors);
}

/** Writes the folder and its manifest. */
export function writeModelFolder(folder: string, { backbone, resize, withPromptEncoder, half }: FolderOptions): string {
  mkdirSync(folder, { recursive: true });
  const files: Record<string, string> = {};
  const copy = (name: string, set = GOLDEN): { file: string; config: Record<string, unknown> } => {
    const entry = openGoldenSet(set).manifest.weights[name] as { file: string; config: Record<string, unknown> };
    const original = new Uint8Array(readFileSync(join(set, entry.file)));
    const bytes = half ? inHalf(original) : original;
    const file = `${name}.safetensors`;
    writeFileSync(join(folder, file), bytes);
    files[file] = createHash('sha256').update(bytes).digest('hex');
    return { file, config: entry.config };
  };
  const sam = copy('sam');
  const own: { backbone: string; encoder: string; imageSize: number; set?: string } | undefined =
    backbone === 'sam' ? undefined : PARTS[backbone];
  const backbonePart = own && copy(own.backbone, own.set);
  const encoder = own && withPromptEncoder ? copy(own.encoder) : undefined;
  const manifest = {
    format: 'prosam-model/1',
    name: `golden-${backbone}`,
    license: 'Apache-2.0',
    files,
    sam: { ...sam, resize, mean: [123.675, 116.28, 103.53], std: [58.395, 57.12, 57.375] },
    backbone: backbonePart
      ? { file: backbonePart.file, config: { ...backbonePart.config, image_size: own.imageSize } }
      : { kind: 'sam', mid_blocks: [0, 2] },
    ...(encoder && {
      prompt_encoder: {
        ...encoder,
        distribution: 'student_t',
        nu: 5,
        label_reduction: { kind: 'nearest' },
        trained_against: { sam: files[sam.file], backbone: files[(backbonePart as { file: string }).file] },
      },
    }),
  };
  writeFileSync(join(folder, 'manifest.json'), JSON.stringify(manifest));
  return folder;
}
