/** Hub with a few repositories, and pulls from it into a cache that is empty before each test. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach } from 'vitest';
import { fetchWeights, type FetchOptions } from '../../../../../src/core/models/hub/hub.ts';
import { hubSettings, type HubSettings } from '../../../../../src/core/models/hub/settings.ts';
import { startHub, type HubServer } from '../../checkpoint/hub-server.ts';

export const weights = Uint8Array.from({ length: 200_000 }, (_, i) => (i * 7919) >>> 3);

const index = { metadata: {}, weight_map: { a: 'model-00001-of-00002.safetensors', b: 'model-00002-of-00002.safetensors' } };

export const text = (value: string): Uint8Array => new TextEncoder().encode(value);

export const fast: FetchOptions = { retryMs: [1, 1] };

interface HubBench {
  /** Of this test alone. */
  home: string;
}

/** Starts the hub, and registers what empties and ends it. */
export async function hubBench() {
  const scratch = mkdtempSync(join(tmpdir(), 'prosam-hub-'));

  const hub: HubServer = await startHub({
    'acme/one': { files: { 'README.md': text('# one'), 'config.json': text('{}'), 'model.safetensors': weights, 'pytorch_model.bin': weights.slice(5) }, license: 'apache-2.0', revisions: { 'v1.0': '' } }, // prettier-ignore
    'acme/parts': {
      files: {
        'model.safetensors.index.json': text(JSON.stringify(index)),
        'model-00001-of-00002.safetensors': weights.slice(0, 50_000),
        'model-00002-of-00002.safetensors': weights.slice(50_000),
      },
    },
    'acme/single': { files: { 'mobile.pt': weights.slice(9), 'sub/notes.txt': text('x') } },
    'acme/several': { files: { 'a.pth': weights.slice(1), 'b.pth': weights.slice(2) } },
    'acme/nothing': { files: { 'README.md': text('no weights') } },
    'acme/secret': { files: { 'model.safetensors': weights.slice(3) }, private: true },
    'acme/gated': { files: { 'model.safetensors': weights.slice(4) }, gated: true },
    'acme/closed': { files: { 'model.safetensors': weights.slice(6) }, gated: true, private: true },
    'acme/damaged': {
      files: { 'model.safetensors': weights.slice(8) },
      damaged: { 'model.safetensors': weights.slice(8).fill(1, 10, 20) },
    },
  });

  afterAll(async () => {
    await hub.close();
    rmSync(scratch, { recursive: true, force: true });
  });

  const bench: HubBench = { home: '' };
  let count = 0;
  beforeEach(() => {
    bench.home = join(scratch, `home-${count++}`);
    Object.assign(hub, { requests: [], cuts: [], failures: [], bytesPerSecond: 0, ignoreRanges: false });
  });

  const settings = (env: Record<string, string> = {}): Promise<HubSettings> =>
    hubSettings({ env: { HF_HOME: bench.home, HF_ENDPOINT: hub.endpoint, ...env } });

  const pull = async (repo: string, env?: Record<string, string>, options?: FetchOptions, file?: string, revision?: string) =>
    fetchWeights(
      await settings(env),
      { repo, ...(file !== undefined && { file }), ...(revision !== undefined && { revision }) },
      { ...fast, ...options },
    );
  const transfers = (): typeof hub.requests => hub.requests.filter(({ origin }) => origin === 'cdn');

  return Object.assign(bench, { hub, settings, pull, transfers });
}
