/** The weight files of a model: from the cache where they are still what the manifest says, else from the network. */
import { ProsamError } from '../../common/errors.ts';
import { sha256Hex } from '../../common/sha256.ts';
import { fetchFile, type Fetch, type FileResponse, type LoadProgress } from './fetch-file.ts';
import type { Manifest } from '../manifest.ts';
import type { ModelCache } from './model-cache.ts';

export interface LoadModelFilesOptions {
  cache: ModelCache;
  fetch: Fetch;
  signal?: AbortSignal;
  onProgress?: (progress: LoadProgress) => void;
  /** Largest weight file, bytes. @default 2 GiB, the most a browser holds in one piece */
  maxFileBytes?: number;
}

const MAX_FILE_BYTES = 2 ** 31 - 1;

/**
 * All at once, so that the first word on progress already knows how much there is. -> bytes by name
 * @throws MODEL_NOT_FOUND, MODEL_INVALID for a file that is too large, MODEL_HASH_MISMATCH
 */
export async function loadModelFiles(
  names: readonly string[],
  manifest: Manifest,
  manifestUrl: string,
  options: LoadModelFilesOptions,
): Promise<Map<string, Uint8Array>> {
  const { cache, fetch, signal, onProgress, maxFileBytes = MAX_FILE_BYTES } = options;
  // One that fails ends the others.
  const failed = new AbortController();
  const either = signal ? AbortSignal.any([signal, failed.signal]) : failed.signal;
  const started = names.map(async (name) => {
    const hash = manifest.files[name] as string;
    const kept = await cache.get('file', hash);
    if (kept && (await sha256Hex(kept)) === hash) return { name, hash, kept };
    if (kept) await cache.drop('file', hash);
    const url = new URL(name, manifestUrl).href;
    return { name, hash, url, response: await fetchFile(url, { fetch, maxBytes: maxFileBytes, cache: 'no-store', signal: either }) };
  });
  try {
    const responses = await Promise.all(started);
    const lengths = responses.map(({ kept, response }) => kept?.length ?? response?.length);
    const total = lengths.every((length) => length !== undefined) ? lengths.reduce((sum, length) => sum + length, 0) : undefined;
    let loaded = 0;
    const report = (file: string, count: number): void => {
      loaded += count;
      onProgress?.({ file, loaded, ...(total !== undefined && { total }) });
    };
    const files = responses.map(async ({ name, hash, kept, url, response }): Promise<[string, Uint8Array]> => {
      if (kept) report(name, kept.length);
      return [name, kept ?? (await download(url, hash, response, cache, (count) => report(name, count)))];
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
  response: FileResponse,
  cache: ModelCache,
  onBytes: (count: number) => void,
): Promise<Uint8Array> {
  const bytes = await response.bytes(onBytes);
  const got = await sha256Hex(bytes);
  if (got !== wanted)
    throw new ProsamError(
      'MODEL_HASH_MISMATCH',
      `${url}: expected sha256 ${wanted}, got ${got}. The file is damaged or not the one the manifest describes; load the page again, or correct the server.`,
    );
  await cache.put('file', wanted, bytes);
  return bytes;
}
