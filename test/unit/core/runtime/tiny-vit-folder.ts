/** A model folder whose SAM looks through a small TinyViT with weights from a seed, and decodes with the golden set's decoder. */
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { samConfigJson } from '../../../../src/core/checkpoint/config-json.ts';
import { samConfigSchema } from '../../../../src/core/checkpoint/config-schema.ts';
import { parseSafetensors, safetensorsBytes, type TensorToWrite } from '../../../../src/core/checkpoint/formats/safetensors.ts';
import type { SamConfig, TinyVitConfig } from '../../../../src/core/networks/config.ts';
import { normal, seededRandom } from '../../../../src/core/common/random.ts';
import { tensorsNeeded } from '../../../../src/core/onnx/emit.ts';
import { imageEncoderGraph } from '../../../../src/core/onnx/model-graphs.ts';
import { openGoldenSet } from '../../../golden/golden-set.ts';

const GOLDEN = 'test/golden/data';
const ENCODER: TinyVitConfig = {
  kind: 'tiny_vit',
  embedDims: [8, 12, 16, 24],
  depths: [1, 1, 2, 1],
  numHeads: [1, 3, 2, 4],
  windowSizes: [7, 7, 5, 3],
  mlpRatio: 2,
  mbconvExpandRatio: 2,
  localConvSize: 3,
};

function floats(shape: readonly number[], value: () => number): TensorToWrite {
  const values = Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, value);
  return { dtype: 'F32', shape, bytes: new Uint8Array(values.buffer) };
}

/** With all that a MobileSAM checkpoint carries beside its networks. midBlocks: SAM as its own backbone. */
export function writeTinyVitFolder(folder: string, midBlocks: readonly number[]): { folder: string; sam: SamConfig } {
  mkdirSync(folder, { recursive: true });
  const { file, config } = openGoldenSet(GOLDEN).manifest.weights['sam'] as { file: string; config: Record<string, unknown> };
  const sam: SamConfig = { ...samConfigSchema.parse(config), encoder: ENCODER };
  const random = seededRandom(8);
  const tensors: Record<string, TensorToWrite> = {
    'image_encoder.norm_head.weight': floats([24], random),
    'image_encoder.head.bias': floats([10], random),
    'image_encoder.patch_embed.seq.0.bn.num_batches_tracked': { dtype: 'I64', shape: [], bytes: new Uint8Array(8) },
    'image_encoder.layers.1.blocks.0.attn.attention_bias_idxs': { dtype: 'I64', shape: [49, 49], bytes: new Uint8Array(8 * 49 ** 2) },
  };
  for (const [name, shape] of tensorsNeeded(imageEncoderGraph({ sam: { config: sam } as never, backbone: { kind: 'sam', midBlocks } }))) {
    const fanIn = shape.slice(1).reduce((a, b) => a * b, 1);
    tensors[name] = floats(shape, name.endsWith('running_var') ? () => 0.5 + random() : () => normal(random) / Math.sqrt(fanIn));
  }
  const golden = new Uint8Array(readFileSync(join(GOLDEN, file)));
  for (const [name, { dtype, shape, offset, byteLength }] of parseSafetensors(golden, file).tensors) {
    if (!name.startsWith('image_encoder.')) tensors[name] = { dtype, shape, bytes: golden.slice(offset, offset + byteLength) };
  }
  const bytes = safetensorsBytes(tensors);
  writeFileSync(join(folder, 'sam.safetensors'), bytes);
  const manifest = {
    format: 'prosam-model/1',
    name: 'small-mobile-sam',
    license: 'Apache-2.0',
    files: { 'sam.safetensors': createHash('sha256').update(bytes).digest('hex') },
    sam: {
      file: 'sam.safetensors',
      config: samConfigJson(sam),
      resize: 'longest-side',
      mean: [123.675, 116.28, 103.53],
      std: [58.395, 57.12, 57.375],
    },
    backbone: { kind: 'sam', mid_blocks: midBlocks },
  };
  writeFileSync(join(folder, 'manifest.json'), JSON.stringify(manifest));
  return { folder, sam };
}
