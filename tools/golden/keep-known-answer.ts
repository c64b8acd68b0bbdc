/**
 * The part of the photo model's known answers that goes with the package, from the whole file tests use.
 * npx node tools/golden/keep-known-answer.ts test/golden/small-data/check.safetensors models/small/check.safetensors
 */
import { readFile, writeFile } from 'node:fs/promises';
import { parseKnownAnswer } from '../../src/core/models/verify-model.ts';
import { keptPositions } from '../../src/core/models/known-answer.ts';
import { safetensorsBytes, tensorToWrite, type TensorToWrite } from '../../src/core/checkpoint/formats/safetensors.ts';

const [from, to] = process.argv.slice(2) as [string, string];
const known = parseKnownAnswer(await readFile(from), from);
const tensors: Record<string, TensorToWrite> = {};
for (const name of ['in.reference', 'in.reference_mask_256', 'in.target']) {
  const { data, shape } = valuesOf(name);
  tensors[name] = { dtype: 'U8', shape, bytes: Uint8Array.from(data) };
}
const OUTPUTS = { target_embedding: '', pseudo_mask: '', mu: '', log_sigma: '', coarse: '', low_res_logits: 'prosam.' };
for (const [stage, before] of Object.entries(OUTPUTS)) {
  const { data, shape } = valuesOf(`out.${before}${stage}`);
  // Of the four masks, the one a prediction shows.
  const shown = before === '' ? data : data.subarray(0, data.length / (shape[0] as number));
  const kept = Float32Array.from(keptPositions(shown.length), (at) => shown[at] as number);
  tensors[`out.${stage}`] = tensorToWrite(kept, [kept.length]);
}
await writeFile(to, safetensorsBytes(tensors, { made: 'PyTorch, fp32' }));

function valuesOf(name: string): { data: Float32Array; shape: readonly number[] } {
  const tensor = known.get(name);
  if (tensor === undefined) throw new Error(`expected ${name} in ${from}, but it is not there`);
  return tensor;
}
