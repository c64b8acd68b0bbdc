/** Opens a model by URL: manifest.json and safetensors beside it, every file proved by its hash and kept for the next time. */
import { ProsamError } from '../errors.ts';
import { sha256Hex } from '../sha256.ts';
import { fetchFile, type Fetch, type FetchFileOptions, type FileAnswer, type LoadProgress } from './fetch-file.ts';
import { parseManifest, type Manifest } from './manifest.ts';
import { modelCache, type ModelCache } from './model-cache.ts';
import type { Model } from './model-folder.ts';
import { modelIds } from './model-ids.ts';
import { floatsFromTensor, parseSafetensors } from './safetensors.ts';
import type { FloatTensor, WeightFile } from './weight-file.ts';

export interface ModelUrlOptions {
  signal?: AbortSignal;
  onProgress?: (progress: LoadProgress) => void;
  /** Largest weight file, bytes. @default 2 GiB, the most a browser holds in one piece */
  maxFileBytes?: number;
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

const MAX_FILE_BYTES = 2 ** 31 - 1;
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
  const names = weightNames(manifest);
  const files = await loadFiles(names, manifest, manifestUrl, { ...options, cache, fetch });
  await cache.put('manifest', manifestUrl, written);
  await cache.sweep(hashesIn);

  const open = (name: string): WeightFile => {
    const label = new URL(name, manifestUrl).href;
    return { folder: manifestUrl, file: name, ...parseSafetensors(files.get(name) as Uint8Array, label) };
  };
  const encoder = manifest.prompt_encoder && open(manifest.prompt_encoder.file);
  return {
    files,
    model: {
      ...(await modelIds(manifest, text)),
      manifest,
      sam: open(manifest.sam.file),
      ...('file' in manifest.backbone && { backbone: open(manifest.backbone.file) }),
      ...(encoder && { promptEncoder: floatTensors(encoder, files.get(encoder.file) as Uint8Array) }),
    },
  };
}

/** @throws MODEL_NOT_FOUND for text that is no URL */
function manifestAddress(url: string): string {
  if (!URL.canParse(url)) throw new ProsamError('MODEL_NOT_FOUND', `wanted the URL of a model, got ${JSON.stringify(url)}.`);
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

interface Loading extends ModelUrlOptions {
  cache: ModelCache;
  fetch: Fetch;
}

/** All at once, so that the first word on progress already knows how much there is. */
async function loadFiles(
  names: readonly string[],
  manifest: Manifest,
  manifestUrl: string,
  loading: Loading,
): Promise<Map<string, Uint8Array>> {
  const { cache, fetch, signal, onProgress, maxFileBytes = MAX_FILE_BYTES } = loading;
  // One that fails ends the others.
  const failed = new AbortController();
  const either = signal ? AbortSignal.any([signal, failed.signal]) : failed.signal;
  const started = names.map(async (name) => {
    const hash = manifest.files[name] as string;
    const kept = await cache.get('file', hash);
    if (kept && (await sha256Hex(kept)) === hash) return { name, hash, kept };
    if (kept) await cache.drop('file', hash);
    const url = new URL(name, manifestUrl).href;
    return { name, hash, url, answer: await fetchFile(url, { fetch, maxBytes: maxFileBytes, cache: 'no-store', signal: either }) };
  });
  try {
    const answers = await Promise.all(started);
    const lengths = answers.map(({ kept, answer }) => kept?.length ?? answer?.length);
    const total = lengths.every((length) => length !== undefined) ? lengths.reduce((sum, length) => sum + length, 0) : undefined;
    let loaded = 0;
    const report = (file: string, count: number): void => {
      loaded += count;
      onProgress?.({ file, loaded, ...(total !== undefined && { total }) });
    };
    const files = answers.map(async ({ name, hash, kept, url, answer }): Promise<[string, Uint8Array]> => {
      if (kept) report(name, kept.length);
      return [name, kept ?? (await download(url, hash, answer, cache, (count) => report(name, count)))];
    });
    return new Map(await Promise.all(files));
  } catch (error) {
    failed.abort();
    await Promise.allSettled(started);
    signal?.throwIfAborted();
    throw error;
  }
}

/** @throws MODEL_HASH_MISMATCH */
async function download(
  url: string,
  wanted: string,
  answer: FileAnswer,
  cache: ModelCache,
  onBytes: (count: number) => void,
): Promise<Uint8Array> {
  const bytes = await answer.bytes(onBytes);
  const got = await sha256Hex(bytes);
  if (got !== wanted)
    throw new ProsamError(
      'MODEL_HASH_MISMATCH',
      `${url}: wanted sha256 ${wanted}, got ${got}. The file is damaged or not the one the manifest describes; load the page again, or correct the server.`,
    );
  await cache.put('file', wanted, bytes);
  return bytes;
}

/** Of a manifest that was checked when it was kept. */
function hashesIn(manifest: Uint8Array): string[] {
  try {
    return Object.values((JSON.parse(new TextDecoder().decode(manifest)) as Manifest).files);
  } catch {
    return [];
  }
}

function floatTensors({ tensors, file }: WeightFile, bytes: Uint8Array): Map<string, FloatTensor> {
  const out = new Map<string, FloatTensor>();
  for (const [name, entry] of tensors) {
    const data = floatsFromTensor(entry, bytes.subarray(entry.offset, entry.offset + entry.byteLength), `${file}: ${name}`);
    out.set(name, { data, shape: entry.shape });
  }
  return out;
}
