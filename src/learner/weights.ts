/** A version's weights as one file that says what it is. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { safetensorsBytes, tensorToWrite } from '../core/checkpoint/formats/safetensors.ts';
import { PLAN_KEY } from '../core/checkpoint/manifest.ts';
import { openCheckpoint } from '../core/checkpoint/open-checkpoint.ts';
import { readFloatTensors } from '../core/checkpoint/read-tensors.ts';
import { ENCODER_FILE } from '../training/step/encoder-plan.ts';

/** The prompt encoder of a model folder as one safetensors file that needs no manifest beside it. */
export async function selfDescribingWeights(modelFolder: string): Promise<Uint8Array> {
  const manifest = JSON.parse(await readFile(join(modelFolder, 'manifest.json'), 'utf8')) as { prompt_encoder: Record<string, unknown> };
  const section: Record<string, unknown> = { ...manifest.prompt_encoder, file: undefined }; // JSON leaves it out
  const weights = await readFloatTensors(await openCheckpoint(join(modelFolder, ENCODER_FILE)));
  const tensors = Object.fromEntries([...weights].map(([name, { data, shape }]) => [name, tensorToWrite(data, shape)]));
  return safetensorsBytes(tensors, { [PLAN_KEY]: JSON.stringify(section) });
}
