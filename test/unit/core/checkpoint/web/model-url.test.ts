/** Models by URL, from a stand-in for the network and one for a browser's Cache Storage. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Fetch, LoadProgress } from '../../../../../src/core/checkpoint/web/fetch-file.ts';
import { modelCache } from '../../../../../src/core/checkpoint/web/model-cache.ts';
import { openModel } from '../../../../../src/core/checkpoint/model-folder.ts';
import { openModelUrl, type ModelUrlOptions } from '../../../../../src/core/checkpoint/web/model-url.ts';
import { expectRejection } from '../../expect-error.ts';

const FOLDER = 'models/tiny';
const URL_OF_MODEL = 'https://models.example/tiny';
const FILES = ['manifest.json', 'sam.safetensors', 'prompt-encoder.safetensors'];

type Files = Map<string, Uint8Array<ArrayBuffer>>;

function tinyFiles(): Files {
  return new Map(FILES.map((name) => [name, new Uint8Array(readFileSync(join(FOLDER, name)))]));
}

function withManifest(files: Files, change: (manifest: Record<string, unknown> & { files: Record<string, string> }) => void): Files {
  const manifest = JSON.parse(new TextDecoder().decode(files.get('manifest.json'))) as Record<string, unknown> & {
    files: Record<string, string>;
  };
  change(manifest);
  return new Map([...files, ['manifest.json', new TextEncoder().encode(JSON.stringify(manifest))]]);
}

/** A server that holds these files. */
function serving(files: Files, response: (name: string, bytes: Uint8Array<ArrayBuffer>) => Response = plainResponse) {
  const asked: string[] = [];
  const fetch: Fetch = (url, { signal }) => {
    signal?.throwIfAborted();
    const name = new URL(url).pathname.split('/').at(-1) as string;
    asked.push(name);
    const bytes = files.get(name);
    return Promise.resolve(bytes ? response(name, bytes) : new Response('none', { status: 404 }));
  };
  return { asked, fetch };
}

function plainResponse(_: string, bytes: Uint8Array<ArrayBuffer>): Response {
  return new Response(bytes, { headers: { 'content-length': String(bytes.length) } });
}

const offline: Fetch = () => Promise.reject(new TypeError('Failed to fetch'));

/** As in a browser, as far as it is used. */
function cacheStorage() {
  const entries = new Map<string, Uint8Array<ArrayBuffer>>();
  const cache = {
    match: (key: string) => Promise.resolve(entries.has(key) ? new Response(entries.get(key)) : undefined),
    put: async (key: string, response: Response) => void entries.set(key, new Uint8Array(await response.arrayBuffer())),
    delete: (key: string) => Promise.resolve(entries.delete(key)),
    keys: () => Promise.resolve([...entries.keys()].map((url) => ({ url }))),
  };
  return { entries, cache: modelCache({ open: () => Promise.resolve(cache) }, 'https://page.example') };
}

async function opened(options: ModelUrlOptions) {
  return openModelUrl(URL_OF_MODEL, { cache: cacheStorage().cache, ...options });
}

describe('a model by URL', () => {
  it('is the model that Node opens from a folder, under the same names', async () => {
    const { fetch, asked } = serving(tinyFiles());
    const there = await openModel(FOLDER);
    for (const url of [URL_OF_MODEL, `${URL_OF_MODEL}/`, `${URL_OF_MODEL}/manifest.json`]) {
      const { model, files } = await openModelUrl(url, { fetch, cache: cacheStorage().cache });
      expect([model.id, model.encoderId, model.manifest]).toEqual([there.id, there.encoderId, there.manifest]);
      expect(model.promptEncoder).toEqual(there.promptEncoder);
      expect(model.sam.tensors).toEqual(there.sam.tensors);
      expect([...files.keys()]).toEqual(['sam.safetensors', 'prompt-encoder.safetensors']);
    }
    expect(asked.slice(0, 3).toSorted()).toEqual(FILES.toSorted()); // the known answer is for tests: not asked for
  });

  it('tells how far it is', async () => {
    const heard: LoadProgress[] = [];
    const files = tinyFiles();
    await opened({ ...serving(files), onProgress: (progress) => heard.push(progress) });
    const total = [...files].filter(([name]) => name !== 'manifest.json').reduce((sum, [, bytes]) => sum + bytes.length, 0);
    expect(heard.at(-1)).toMatchObject({ loaded: total, total });
    expect(heard.every(({ loaded }, i) => loaded > (heard[i - 1]?.loaded ?? 0))).toBe(true);
    const unsaid: LoadProgress[] = [];
    const zipped = serving(files, (_, bytes) => new Response(bytes, { headers: { 'content-length': '10', 'content-encoding': 'gzip' } }));
    await opened({ ...zipped, onProgress: (progress) => unsaid.push(progress) });
    expect(unsaid.at(-1)).toMatchObject({ loaded: total });
    expect(unsaid.at(-1)).not.toHaveProperty('total');
  });

  it('opens again without a network, and loads only what has another hash when there is one', async () => {
    const { cache, entries } = cacheStorage();
    const first = await openModelUrl(URL_OF_MODEL, { ...serving(tinyFiles()), cache });
    expect(entries.size).toBe(3);
    const again = await openModelUrl(URL_OF_MODEL, { fetch: offline, cache });
    expect(again.model.id).toBe(first.model.id);
    const { fetch, asked } = serving(tinyFiles());
    await openModelUrl(URL_OF_MODEL, { fetch, cache });
    expect(asked).toEqual(['manifest.json']);

    const without = withManifest(tinyFiles(), (manifest) => delete manifest['prompt_encoder']);
    const smaller = withManifest(without, ({ files }) => delete files['prompt-encoder.safetensors']);
    const changed = serving(smaller);
    const second = await openModelUrl(URL_OF_MODEL, { fetch: changed.fetch, cache });
    expect(second.model.id).not.toBe(first.model.id);
    expect(changed.asked).toEqual(['manifest.json']);
    expect(entries.size).toBe(2); // what no manifest names any more is gone
  });

  it('works where nothing can be kept, and loads anew what was damaged in the cache', async () => {
    const broken = modelCache({ open: () => Promise.reject(new Error('no room')) });
    expect((await openModelUrl(URL_OF_MODEL, { ...serving(tinyFiles()), cache: broken })).model.id).toMatch(/^tiny@/);
    const { cache, entries } = cacheStorage();
    await openModelUrl(URL_OF_MODEL, { ...serving(tinyFiles()), cache });
    for (const [key, bytes] of entries) if (key.includes('/sha256/')) entries.set(key, bytes.slice(1));
    const { fetch, asked } = serving(tinyFiles());
    await openModelUrl(URL_OF_MODEL, { fetch, cache });
    expect(asked.toSorted()).toEqual(FILES.toSorted());
  });

  it('is refused where the bytes are not those of the manifest', async () => {
    const files = tinyFiles();
    const sam = files.get('sam.safetensors') as Uint8Array;
    sam[sam.length - 1] = (sam[sam.length - 1] as number) ^ 1;
    const { cache, entries } = cacheStorage();
    await expectRejection(
      'MODEL_HASH_MISMATCH',
      openModelUrl(URL_OF_MODEL, { ...serving(files), cache }),
      /sam\.safetensors: expected sha256 feaf/,
    );
    expect([...entries.keys()].filter((key) => key.includes('manifest'))).toEqual([]);
  });

  it('is refused with words where there is none, or something else', async () => {
    await expectRejection('MODEL_NOT_FOUND', opened(serving(new Map())), /tiny\/manifest\.json, but the server answered 404/);
    await expectRejection('MODEL_NOT_FOUND', opened({ fetch: offline }), /cannot be reached: Failed to fetch/);
    await expectRejection('MODEL_NOT_FOUND', openModelUrl('not a url', { fetch: offline }), /expected the URL/);
    const page = new TextEncoder().encode('<!doctype html>');
    await expectRejection('MODEL_INVALID', opened(serving(new Map([['manifest.json', page]]))), /expected JSON/);
    const elsewhere = withManifest(tinyFiles(), (manifest) => (manifest['locations'] = { 'sam.safetensors': '/models/sam.safetensors' }));
    await expectRejection('MODEL_INVALID', opened(serving(elsewhere)), /beside the manifest/);
    const pickle = new Uint8Array([0x80, 2, ...new Array<number>(20).fill(0xff)]);
    const hash = createHash('sha256').update(pickle).digest('hex');
    const pickled = withManifest(new Map([...tinyFiles(), ['sam.safetensors', pickle]]), (manifest) => {
      manifest.files['sam.safetensors'] = hash;
      delete manifest['prompt_encoder'];
    });
    await expectRejection('CHECKPOINT_PICKLE', opened(serving(pickled)), /could run code/);
  });

  it('is bounded, whatever the server announces', async () => {
    await expectRejection(
      'MODEL_INVALID',
      opened({ ...serving(tinyFiles()), maxFileBytes: 1_000_000 }),
      /at most 1000000 bytes, got 3109392/,
    );
    const lying = serving(tinyFiles(), (name, bytes) => (name.endsWith('.json') ? plainResponse(name, bytes) : new Response(bytes)));
    await expectRejection('MODEL_INVALID', opened({ ...lying, maxFileBytes: 1_000_000 }), /at most 1000000 bytes/);
    const large = new Map([['manifest.json', new Uint8Array(1_000_001)]]);
    await expectRejection('MODEL_INVALID', opened(serving(large)), /at most 1000000 bytes, got 1000001/);
  });

  it('ends at once when it is given up, and says so when the connection breaks', async () => {
    const stop = new AbortController();
    const reason = new Error('enough');
    const endless = (): Response =>
      new Response(
        new ReadableStream({
          pull(stream) {
            stream.enqueue(new Uint8Array(1000));
            return new Promise((resolve) => setTimeout(resolve, 2));
          },
        }),
      );
    const slow = serving(tinyFiles(), (name, bytes) => (name.endsWith('.json') ? plainResponse(name, bytes) : endless()));
    const fetch: Fetch = async (url, init) => {
      const response = await slow.fetch(url, init);
      // A real fetch ends the stream with the signal.
      init.signal?.addEventListener('abort', () => void response.body?.cancel().catch(() => undefined));
      return response;
    };
    const asked = opened({ fetch, signal: stop.signal, onProgress: () => stop.abort(reason), maxFileBytes: 300_000 });
    await expect(asked).rejects.toBe(reason);
    const breaking = serving(tinyFiles(), (name, bytes) => {
      if (name.endsWith('.json')) return plainResponse(name, bytes);
      return new Response(new ReadableStream({ pull: (stream) => stream.error(new TypeError('network error')) }));
    });
    await expectRejection('MODEL_NOT_FOUND', opened(breaking), /the connection broke after 0 bytes: network error\. Try again/);
  });
});
