/** Writes a trained prompt encoder as a model folder that every command accepts as `--model`. */
import { copyFile, link, mkdir, rm } from 'node:fs/promises';
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { namedSources } from '../../core/checkpoint/checkpoint.ts';
import { manifestJson, snakeKeys } from '../../core/checkpoint/config-json.ts';
import { safetensorsBytes, tensorToWrite } from '../../core/checkpoint/formats/safetensors.ts';
import type { Model } from '../../core/checkpoint/model-folder.ts';
import type { FloatTensor } from '../../core/checkpoint/read-tensors.ts';
import { replaceModelFolder } from '../../core/files/replace-folder.ts';
import { temporaryBeside, writeDurably } from '../../core/files/write-file.ts';
import { isProsamError, messageOf, ProsamError } from '../../core/common/errors.ts';
import { ENCODER_FILE, type EncoderPlan } from '../step/encoder-plan.ts';

/** folder: replaced as a whole. about: how the encoder was trained, in words. @throws OUTPUT_FAILED; OUTPUT_TAKEN for a folder that holds anything else */
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
  const { manifest } = model;
  const frozen = frozenFiles(model);
  const staying = frozen.filter(({ name: file }) => Object.hasOwn(manifest.locations ?? {}, file));
  const files = {
    ...Object.fromEntries(frozen.map(({ name: file }) => [file, manifest.files[file] as string])),
    [ENCODER_FILE]: createHash('sha256').update(bytes).digest('hex'),
  };
  // What the base model says of its own encoder and its known answer is not true of this one.
  const written = {
    ...manifestJson(manifest),
    name,
    files,
    locations: staying.length > 0 ? Object.fromEntries(staying.map(({ name: file, path }) => [file, path])) : undefined,
    prompt_encoder: { ...plan, config: snakeKeys(plan.config) },
    known_answer: undefined,
    trained: { ...manifest.trained, prompt_encoder: about },
  };
  const temporary = temporaryBeside(folder);
  try {
    await mkdir(temporary, { recursive: true });
    for (const one of frozen) {
      if (staying.includes(one)) continue;
      // A link costs no space; another disk takes a copy.
      await link(one.path, join(temporary, one.name)).catch(() => copyFile(one.path, join(temporary, one.name)));
    }
    await writeDurably(join(temporary, ENCODER_FILE), bytes);
    await writeDurably(join(temporary, 'manifest.json'), `${JSON.stringify(written, null, 2)}\n`);
    await replaceModelFolder(temporary, folder);
  } catch (cause) {
    await rm(temporary, { recursive: true, force: true }).catch(() => undefined);
    if (isProsamError(cause)) throw cause;
    throw new ProsamError('OUTPUT_FAILED', `${folder}: cannot be written: ${messageOf(cause)}. Free some space or use another folder.`, {
      cause,
    });
  }
}

/** Files of the frozen networks under the names the manifest gives them. */
function frozenFiles({ manifest, sam, backbone }: Model): { name: string; path: string }[] {
  const parts = [
    [manifest.sam.file, sam] as const,
    ...('file' in manifest.backbone && backbone ? [[manifest.backbone.file, backbone] as const] : []),
  ];
  return parts.flatMap(([file, checkpoint]) => namedSources(checkpoint, file));
}
