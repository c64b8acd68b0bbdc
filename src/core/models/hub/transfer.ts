/** The bytes of one file from wherever the hub sends us, picked up again as often as the connection breaks. */
import type { Hash } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import { withRetry } from '../../common/retry.ts';
import { isProsamError, messageOf, ProsamError } from '../../common/errors.ts';
import { addressOf, askingFetch, type HubFile, type HubRepository } from './client.ts';
import type { HubSettings } from './settings.ts';

export interface RestOptions {
  signal?: AbortSignal | undefined;
  /** done: bytes of the file that are on the disk; added: of those, what came since the last call. */
  onBytes?: ((file: HubFile, done: number, added: number) => void) | undefined;
  /** Waits before trying again while nothing comes; as many attempts as there are, and one more. @default [1000, 2000, 4000, 8000] */
  retryMs?: readonly number[] | undefined;
}

export interface Transfer {
  file: HubFile;
  /** Bytes that are there already. */
  done: number;
  /** Their hash. */
  hash: Hash;
  /** Opened for appending. */
  handle: FileHandle;
  /** Empties the file; the hash of nothing. */
  restart: () => Promise<Hash>;
}

const RETRY_MS = [1000, 2000, 4000, 8000];

/** Appends what is missing. Resolves to the hash of the whole file. @throws HUB_FAILED, HUB_REFUSED */
export async function fetchRest(hub: HubSettings, from: HubRepository, transfer: Transfer, options: RestOptions): Promise<Hash> {
  const { file, handle } = transfer;
  const { signal, onBytes, retryMs = RETRY_MS } = options;
  const ask = askingFetch(hub, { repo: from.repo, revision: from.commit, file: file.path }, signal);
  let { done, hash } = transfer;
  let waited = 0;
  const connect = async (): Promise<void> => {
    const before = done;
    try {
      // The hub's own address every time: what it redirects to is signed for a while only.
      const response = await ask(addressOf(hub, from, file), done > 0 ? { headers: { range: `bytes=${done}-` } } : {});
      if (done > 0 && !goesOnAt(response, done)) {
        // A server or a proxy that knows no ranges sends all of it again.
        hash = await transfer.restart();
        done = 0;
      }
      for await (const chunk of bodyOf(response)) {
        if (done + chunk.byteLength > file.size) throw tooLong(file);
        await writeAll(handle, chunk, file);
        hash.update(chunk);
        done += chunk.byteLength;
        onBytes?.(file, done, chunk.byteLength);
      }
      if (done < file.size) throw new Error('the connection was closed too early');
    } catch (error) {
      if (done > before) waited = 0;
      // Bytes that are complete need no connection that ends well.
      if (done < file.size || !mayPass(error)) throw error;
    }
  };
  const pauseAfter = (error: unknown): number | undefined => {
    if (!mayPass(error)) return undefined;
    const pause = retryMs[waited++];
    if (pause !== undefined) return pause;
    throw new ProsamError(
      'HUB_FAILED',
      `${hub.endpoint}/${from.repo}: ${file.path} broke off at ${done} of ${file.size} bytes (${messageOf(error)}). ` +
        'What came is kept: the same command goes on from there.',
      { cause: error },
    );
  };
  if (done < file.size) await withRetry(connect, { pauseAfter, signal });
  return hash;
}

/** Does the answer begin where our file ends? */
function goesOnAt(response: Response, done: number): boolean {
  return response.status === 206 && (response.headers.get('content-range') ?? '').startsWith(`bytes ${done}-`);
}

async function* bodyOf(response: Response): AsyncGenerator<Uint8Array> {
  if (response.body !== null) yield* response.body;
}

/** Trouble on the way and of the hub may pass by itself; what it refuses, and what the disk does, will not. */
function mayPass(error: unknown): boolean {
  return !isProsamError(error) || error.code === 'HUB_FAILED';
}

function tooLong({ path, size }: HubFile): ProsamError {
  return new ProsamError(
    'MODEL_HASH_MISMATCH',
    `${path}: expected ${size} bytes, got more. Pull it again; if it stays so, use another HF_ENDPOINT.`,
  );
}

/** @throws OUTPUT_FAILED */
async function writeAll(handle: FileHandle, chunk: Uint8Array, { path }: HubFile): Promise<void> {
  try {
    for (let offset = 0; offset < chunk.byteLength;) {
      const { bytesWritten } = await handle.write(chunk, offset, chunk.byteLength - offset);
      offset += bytesWritten;
    }
  } catch (cause) {
    throw new ProsamError(
      'OUTPUT_FAILED',
      `${path}: cannot be written: ${messageOf(cause)}. Free some space; what is there is kept, and the same command goes on.`,
      { cause },
    );
  }
}
