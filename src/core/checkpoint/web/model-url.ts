/** Opens a model by URL: manifest.json and safetensors beside it, every file proved by its hash and kept for the next time. */
import { ProsamError } from '../../common/errors.ts';
import { backboneTensors } from '../names/backbone.ts';
import { tensorsOfFile, type Checkpoint, type CheckpointTensors } from '../checkpoint.ts';
import { fetchFile, type Fetch, type FetchFileOptions } from './fetch-file.ts';
import { loadModelFiles, type LoadModelFilesOptions } from './load-model-files.ts';
import { parseManifest, type Manifest } from '../manifest.ts';
import { modelCache, type ModelCache } from './model-cache.ts';
import type { Model } from '../model-folder.ts';
import { modelIds } from '../model-ids.ts';
import { promptEncoderTensors } from '../names/prompt-encoder.ts';
import type { FloatTensor } from '../read-tensors.ts';
import { floatsFromTensor, parseSafetensors } from '../formats/safetensors.ts';
import { samTensors } from '../names/sam.ts';

export interface ModelUrlOptions extends Partial<LoadModelFilesOptions> {
  /** @default the browser's Cache Storage */
  cache?: ModelCache;
  /** @default the global one */
  fetch?: Fetch;
}

export interface ModelByUrl {
  model: Model;
  /** Bytes of the weight files, by name. */
  files: ReadonlyMap<string, Uint8Array>;
}

/** A manifest is text somebody wrote, not a weight file. */
const MAX_MANIFEST_BYTES = 1_000_000;

/**
 * url: absolute; of the manifest, or of the folder it lies in. Where the server cannot be reached, what was loaded before is opened.
 * @throws MODEL_NOT_FOUND, MODEL_INVALID, MODEL_HASH_MISMATCH, CHECKPOINT_INVALID, CHECKPOINT_PICKLE, PROMPT_ENCODER_MISMATCH
 */
export async function openModelUrl(url: string, options: ModelUrlOptions = {}): Promise<ModelByUrl> {
  const { signal, cache = modelCache(), fetch = globalThis.fetch } = options;
  const manifestUrl = manifestAddress(url);
  const asked: FetchFileOptions = { fetch, maxBytes: MAX_MANIFEST_BYTES, cache: 'no-cache', ...(signal && { signal }) };
  const written = await manifestBytes(manifestUrl, asked, cache);
  // ignoreBOM: the text as Node reads it, or the model would have another id here.
  const text = new TextDecoder('utf-8', { ignoreBOM: true }).decode(written);
  const manifest = parseManifest(text, manifestUrl);
  if (manifest.locations)
    throw new ProsamError(
      'MODEL_INVALID',
      `${manifestUrl}: expected weights beside the manifest, this one names places on a disk ("locations"). Put the files there.`,
    );
  const files = await loadModelFiles(weightNames(manifest), manifest, manifestUrl, { ...options, cache, fetch });
  await cache.put('manifest', manifestUrl, written);
  await cache.sweep(hashesIn);

  const open = (name: string): Checkpoint => {
    const path = new URL(name, manifestUrl).href;
    const index = parseSafetensors(files.get(name) as Uint8Array, path);
    const { metadata } = index;
    return { folder: manifestUrl, file: name, files: [name], sources: [{ name, path }], tensors: tensorsOfFile(index, name), metadata };
  };
  const sam = open(manifest.sam.file);
  const backbone = 'file' in manifest.backbone ? open(manifest.backbone.file) : undefined;
  const encoder = manifest.prompt_encoder && open(manifest.prompt_encoder.file);
  return {
    files,
    model: {
      ...(await modelIds(manifest, text)),
      manifest,
      sam: { ...sam, tensors: samTensors(sam.tensors, sam.file) },
      ...(backbone && { backbone: { ...backbone, tensors: backboneTensors(backbone.tensors, backbone.file).tensors } }),
      ...(encoder && { promptEncoder: floatTensors(promptEncoderTensors(encoder.tensors, encoder.file).tensors, files) }),
    },
  };
}

/** @throws MODEL_NOT_FOUND for text that is no URL */
function manifestAddress(url: string): string {
  if (!URL.canParse(url)) throw new ProsamError('MODEL_NOT_FOUND', `expected the URL of a model, got ${JSON.stringify(url)}.`);
  const parsed = new URL(url);
  if (parsed.pathname.endsWith('.json')) return parsed.href;
  parsed.pathname = `${parsed.pathname.replace(/\/$/, '')}/manifest.json`;
  return parsed.href;
}

/** The server's if it can be reached, else the one of the last time. */
async function manifestBytes(url: string, options: FetchFileOptions, cache: ModelCache): Promise<Uint8Array<ArrayBuffer>> {
  try {
    return await (await fetchFile(url, options)).bytes();
  } catch (error) {
    options.signal?.throwIfAborted();
    const kept = await cache.get('manifest', url);
    if (kept) return kept;
    throw error;
  }
}

function weightNames({ sam, backbone, prompt_encoder: encoder }: Manifest): string[] {
  return [...new Set([sam.file, ...('file' in backbone ? [backbone.file] : []), ...(encoder ? [encoder.file] : [])])];
}

/** Hashes of a manifest that was checked when it was stored. */
function hashesIn(manifest: Uint8Array): string[] {
  try {
    return Object.values((JSON.parse(new TextDecoder().decode(manifest)) as Manifest).files);
  } catch {
    return [];
  }
}

function floatTensors(tensors: CheckpointTensors, files: ModelByUrl['files']): Map<string, FloatTensor> {
  const out = new Map<string, FloatTensor>();
  for (const [name, { dtype, shape, byteLength, parts }] of tensors) {
    const bytes = new Uint8Array(byteLength);
    let at = 0;
    for (const part of parts) {
      bytes.set((files.get(part.file) as Uint8Array).subarray(part.offset, part.offset + part.byteLength), at);
      at += part.byteLength;
    }
    out.set(name, { data: floatsFromTensor({ dtype, shape, offset: 0, byteLength }, bytes, name), shape });
  }
  return out;
}
