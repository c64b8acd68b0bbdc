/** Opens a model: a folder with manifest.json and safetensors, every file proved by its hash. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { ProsamError } from '../errors.ts';
import { parseManifest, type Manifest } from './manifest.ts';
import { modelIds, type ModelIds } from './model-ids.ts';
import { openWeightFile, readFloatTensors, type FloatTensor, type WeightFile } from './weight-file.ts';

/** Everything an engine needs to know of a model. Plain data: it may cross to a worker. */
export interface Model extends ModelIds {
  manifest: Manifest;
  sam: WeightFile;
  /** Absent where SAM is its own backbone. */
  backbone?: WeightFile;
  /** Absent in a model without a trained prompt encoder. */
  promptEncoder?: ReadonlyMap<string, FloatTensor>;
}

/** A manifest is text somebody wrote, not a weight file. */
const MAX_MANIFEST_BYTES = 1_000_000;

/** folder: path of a model folder. @throws MODEL_NOT_FOUND, MODEL_INVALID, MODEL_HASH_MISMATCH, CHECKPOINT_*, PROMPT_ENCODER_MISMATCH */
export async function openModel(folder: string): Promise<Model> {
  const label = join(folder, 'manifest.json');
  const info = await stat(label).catch((cause: unknown) => {
    throw new ProsamError('MODEL_NOT_FOUND', `wanted a model folder with a manifest.json, found none in ${folder}.`, { cause });
  });
  if (!info.isFile()) throw new ProsamError('MODEL_NOT_FOUND', `wanted the file ${label}, but that is a folder or something else.`);
  if (info.size > MAX_MANIFEST_BYTES)
    throw new ProsamError('MODEL_INVALID', `${label}: wanted at most ${MAX_MANIFEST_BYTES} bytes, got ${info.size}.`);
  const text = await readFile(label, 'utf8');
  const manifest = parseManifest(text, label);
  const open = async (file: string): Promise<WeightFile> => {
    const path = join(folder, file);
    const weights = await openWeightFile(path);
    await verifyHash(path, manifest.files[file] as string);
    return weights;
  };

  const sam = await open(manifest.sam.file);
  const backbone = 'file' in manifest.backbone ? await open(manifest.backbone.file) : undefined;
  const encoder = manifest.prompt_encoder && (await open(manifest.prompt_encoder.file));
  return {
    ...(await modelIds(manifest, text)),
    manifest,
    sam,
    ...(backbone && { backbone }),
    ...(encoder && { promptEncoder: await readFloatTensors(encoder) }),
  };
}

/** sha256 of a file, read in pieces so that nothing waits for a large checkpoint. */
export async function hashFile(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) hash.update(chunk as Uint8Array);
  return hash.digest('hex');
}

async function verifyHash(path: string, wanted: string): Promise<void> {
  const got = await hashFile(path);
  if (got === wanted) return;
  throw new ProsamError(
    'MODEL_HASH_MISMATCH',
    `${path}: wanted sha256 ${wanted}, got ${got}. The file is damaged or not the one the manifest describes; fetch it again.`,
  );
}
