/** SAM ViT-L and ViT-H, SAM 2.1 small and large, for which there are no expected numbers: shapes, parameters, and one run where memory allows. */
import { rmSync } from 'node:fs';
import { freemem } from 'node:os';
import { join } from 'node:path';
import { SAM2_HIERA_LARGE, SAM2_HIERA_SMALL, SAM_VIT_H, SAM_VIT_L } from '../../src/core/networks/config.ts';
import { writeShards, writeTorch, type TensorSource } from '../../test/golden/checkpoint-writers.ts';
import type { Runtime } from '../../src/core/onnx/session.ts';
import { sam2OfTransformers, samOfTransformers } from '../../test/golden/foreign-names.ts';
import { openAs } from './full-size-forms.ts';
import { runSam } from './full-size-runs.ts';
import { runSam2 } from './full-size-sam2.ts';
import { hashedWeights } from '../../test/golden/hash-weights.ts';

export const LARGE_MODELS = ['sam_vit_l', 'sam_vit_h', 'sam2.1_hiera_small', 'sam2.1_hiera_large'] as const;

const CONFIGS = {
  sam_vit_l: SAM_VIT_L,
  sam_vit_h: SAM_VIT_H,
  'sam2.1_hiera_small': SAM2_HIERA_SMALL,
  'sam2.1_hiera_large': SAM2_HIERA_LARGE,
} as const;
/** Drawn once and never trained: no parameter. */
const BUFFER = /positional_encoding_gaussian_matrix$/;
/** Free memory needed: weights, and one image's work. */
const NEEDED_BYTES = {
  sam_vit_l: 4 * 2 ** 30,
  sam_vit_h: 7 * 2 ** 30,
  'sam2.1_hiera_small': 2 * 2 ** 30,
  'sam2.1_hiera_large': 3 * 2 ** 30,
} as const;
type LargeModel = (typeof LARGE_MODELS)[number];

/** Hugging Face's shards, or one file of Meta's. */
function write(model: LargeModel, folder: string, weights: readonly TensorSource[]): string {
  if (model === 'sam_vit_l' || model === 'sam2.1_hiera_large') {
    writeShards(folder, model === 'sam_vit_l' ? samOfTransformers(weights) : sam2OfTransformers(weights), 3);
    return join(folder, 'model.safetensors.index.json');
  }
  const path = join(folder, model === 'sam_vit_h' ? 'sam_vit_h_4b8939.pth' : 'sam2.1_hiera_small.pt');
  writeTorch(path, weights, model === 'sam_vit_h' ? {} : { inside: 'model' });
  return path;
}

export async function checkLarge(
  model: LargeModel,
  folder: string,
  { parameters, tensors }: { parameters: number; tensors: Record<string, number[]> },
  runtime: Runtime,
): Promise<'passed' | 'failed' | 'skipped'> {
  const started = performance.now();
  const path = write(model, folder, hashedWeights(tensors));
  try {
    const file = await openAs(model, path, parameters); // throws where configuration or names are not the model's
    const found = [...file.tensors].reduce((sum, [name, { shape }]) => sum + (BUFFER.test(name) ? 0 : shape.reduce((a, b) => a * b, 1)), 0);
    if (found !== parameters) throw new Error(`${model} has ${found} parameters, expected ${parameters}`);
    console.log(`ok   ${model} is recognised: ${found} parameters in ${file.files.length} file${file.files.length === 1 ? '' : 's'}`);
    if (freemem() < NEEDED_BYTES[model]) {
      console.log(
        `skip ${model} one run: expected ${NEEDED_BYTES[model] / 2 ** 30} GB of free memory, there are ${(freemem() / 2 ** 30).toFixed(1)}`,
      );
      return 'skipped';
    }
    const config = CONFIGS[model];
    const outputs = await (config.sam2 ? runSam2 : runSam)(file, config, runtime);
    const wrong = Object.entries(outputs).filter(
      ([, { data }]) => !data.every(Number.isFinite) || (data.length > 1 && data.every((value) => value === data[0])),
    );
    console.log(
      `${wrong.length === 0 ? 'ok  ' : 'FAIL'} ${model} one run: ${Object.keys(outputs).length - wrong.length} of ${Object.keys(outputs).length} outputs finite, maps not constant, ` +
        `${((performance.now() - started) / 1000).toFixed(1)} s, peak memory ${Math.round(process.resourceUsage().maxRSS / 1024)} MB`,
    );
    return wrong.length === 0 ? 'passed' : 'failed';
  } catch (error) {
    console.log(`FAIL ${model} ${(error as Error).message}`);
    return 'failed';
  } finally {
    rmSync(path, { recursive: true, force: true });
  }
}
