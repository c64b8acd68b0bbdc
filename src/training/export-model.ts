/** Writes a trained prompt encoder as a model folder that every command accepts as `--model`. */
import { copyFile, link, mkdir, rename, rm } from 'node:fs/promises';
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { manifestJson, snakeKeys } from '../core/checkpoint/config-json.ts';
import { safetensorsBytes } from '../core/checkpoint/safetensors.ts';
import type { Model } from '../core/checkpoint/model-folder.ts';
import type { FloatTensor } from '../core/checkpoint/weight-file.ts';
import { messageOf, ProsamError } from '../core/errors.ts';
import { tensorToWrite, writeDurably } from './checkpoint.ts';
import { ENCODER_FILE, type EncoderPlan } from './encoder-plan.ts';

/** folder: replaced as a whole. about: how the encoder was trained, in words. @throws OUTPUT_FAILED */
export async function exportModel(
  folder: string,
  name: string,
  model: Model,
  plan: EncoderPlan,
  parameters: ReadonlyMap<string, FloatTensor>,
  about: string,
): Promise<void> {
  const tensors = Object.fromEntries([...parameters].map(([key, { data, shape }]) => [key, tensorToWrite(data, shape)]));
  const bytes = safetensorsBytes(tensors, {});
  const { manifest, sam, backbone } = model;
  const frozen = [sam, ...(backbone ? [backbone] : [])];
  const files = {
    ...Object.fromEntries(frozen.map(({ file }) => [file, manifest.files[file] as string])),
    [ENCODER_FILE]: createHash('sha256').update(bytes).digest('hex'),
  };
  // What the base model says of its own encoder and its known answer is not true of this one.
  const written = {
    ...manifestJson(manifest),
    name,
    files,
    prompt_encoder: { ...plan, config: snakeKeys(plan.config) },
    known_answer: undefined,
    trained: { ...manifest.trained, prompt_encoder: about },
  };
  const temporary = `${folder}.new`;
  try {
    await rm(temporary, { recursive: true, force: true });
    await mkdir(temporary, { recursive: true });
    for (const { folder: from, file } of frozen) {
      // A link costs no space; another disk takes a copy.
      await link(join(from, file), join(temporary, file)).catch(() => copyFile(join(from, file), join(temporary, file)));
    }
    await writeDurably(join(temporary, ENCODER_FILE), bytes);
    await writeDurably(join(temporary, 'manifest.json'), `${JSON.stringify(written, null, 2)}\n`);
    await rm(folder, { recursive: true, force: true });
    await rename(temporary, folder);
  } catch (cause) {
    await rm(temporary, { recursive: true, force: true }).catch(() => undefined);
    throw new ProsamError('OUTPUT_FAILED', `${folder}: cannot be written: ${messageOf(cause)}. Free some space or use another folder.`, {
      cause,
    });
  }
}
