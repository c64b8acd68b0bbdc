import { createHash } from 'node:crypto';
import { existsSync, lstatSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, realpathSync, rmSync, statSync, truncateSync, utimesSync, writeFileSync } from 'node:fs'; // prettier-ignore
import type { FileHandle } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { fetchWeights, type FetchOptions } from '../../../../../src/core/models/hub/hub.ts';
import { fetchRest } from '../../../../../src/core/models/hub/transfer.ts';
import { hubSettings, type HubSettings } from '../../../../../src/core/models/hub/settings.ts';
import { expectRejection } from '../../expect-error.ts';
import { startHub, type HubServer } from '../../checkpoint/hub-server.ts';

const scratch = mkdtempSync(join(tmpdir(), 'prosam-hub-'));
const weights = Uint8Array.from({ length: 200_000 }, (_, i) => (i * 7919) >>> 3);
const index = { metadata: {}, weight_map: { a: 'model-00001-of-00002.safetensors', b: 'model-00002-of-00002.safetensors' } };
const text = (value: string): Uint8Array => new TextEncoder().encode(value);

const hub: HubServer = await startHub({
  'acme/one': { files: { 'README.md': text('# one'), 'config.json': text('{}'), 'model.safetensors': weights, 'pytorch_model.bin': weights.slice(5) }, licence: 'apache-2.0', revisions: { 'v1.0': '' } }, // prettier-ignore
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
  'acme/damaged': { files: { 'model.safetensors': weights.slice(8) }, damaged: { 'model.safetensors': weights.slice(8).fill(1, 10, 20) } },
});
afterAll(async () => {
  await hub.close();
  rmSync(scratch, { recursive: true, force: true });
});

let count = 0;
let home = '';
beforeEach(() => {
  home = join(scratch, `home-${count++}`);
  Object.assign(hub, { requests: [], cuts: [], failures: [], bytesPerSecond: 0, ignoreRanges: false });
});

const settings = (env: Record<string, string> = {}): Promise<HubSettings> =>
  hubSettings({ env: { HF_HOME: home, HF_ENDPOINT: hub.endpoint, ...env } });
const fast: FetchOptions = { retryMs: [1, 1] };
const pull = async (repo: string, env?: Record<string, string>, options?: FetchOptions, file?: string, revision?: string) =>
  fetchWeights(
    await settings(env),
    { repo, ...(file !== undefined && { file }), ...(revision !== undefined && { revision }) },
    { ...fast, ...options },
  );
const transfers = (): typeof hub.requests => hub.requests.filter(({ origin }) => origin === 'cdn');

describe('a pull', () => {
  it('leaves the cache as the other tools of the hub write and read it', async () => {
    const { path, commit, licence, bytes } = await pull('acme/one');
    expect({ commit, licence, bytes }).toEqual({ commit: hub.commit('acme/one'), licence: 'apache-2.0', bytes: weights.byteLength });
    const folder = join(home, 'hub', 'models--acme--one');
    const sha256 = createHash('sha256').update(weights).digest('hex');
    expect(path).toBe(join(folder, 'snapshots', commit, 'model.safetensors'));
    expect(readlinkSync(path)).toBe(`../../blobs/${sha256}`);
    expect(readFileSync(path)).toEqual(Buffer.from(weights));
    expect(readFileSync(join(folder, 'refs', 'main'), 'utf8')).toBe(commit);
    expect(readdirSync(join(folder, 'blobs'))).toEqual([sha256]);
    expect(readdirSync(join(home, 'hub', '.locks', 'models--acme--one'))).toEqual([]);
  });

  it('asks what the hub is known to answer, and fetches nothing twice', async () => {
    await pull('acme/one');
    const commit = hub.commit('acme/one');
    expect(hub.requests.map(({ origin, method, path, range }) => [origin, method, path, range])).toEqual([
      ['hub', 'GET', '/api/models/acme/one/revision/main', undefined],
      ['hub', 'GET', `/api/models/acme/one/tree/${commit}`, undefined],
      ['hub', 'GET', `/acme/one/resolve/${commit}/model.safetensors`, undefined],
      ['cdn', 'GET', '/acme/one/model.safetensors', undefined],
    ]);
    hub.requests = [];
    await pull('acme/one');
    await pull('acme/one', {}, {}, undefined, 'v1.0');
    expect(transfers()).toEqual([]);
    expect(readFileSync(join(home, 'hub/models--acme--one/refs/v1.0'), 'utf8')).toBe(commit);
  });

  it('takes all parts of a divided checkpoint, one file of another kind, or the one that is named', async () => {
    const seen: string[] = [];
    const parts = await pull('acme/parts', {}, { onFiles: (files) => seen.push(...files.map((file) => file.path)) });
    expect(parts.path).toMatch(/model\.safetensors\.index\.json$/);
    expect(seen).toEqual(['model.safetensors.index.json', 'model-00001-of-00002.safetensors', 'model-00002-of-00002.safetensors']);
    expect(readFileSync(join(parts.path, '..', 'model-00002-of-00002.safetensors')).byteLength).toBe(150_000);
    expect((await pull('acme/single')).path).toMatch(/mobile\.pt$/);
    expect((await pull('acme/several', {}, {}, 'b.pth')).path).toMatch(/b\.pth$/);
    expect((await pull('acme/one', {}, {}, 'config.json')).bytes).toBe(2); // a small file, which git itself keeps
    await expectRejection('MODEL_NOT_FOUND', pull('acme/several'), '--file', 'a.pth, b.pth');
    await expectRejection('MODEL_NOT_FOUND', pull('acme/nothing'), 'found none', 'README.md');
    await expectRejection('HUB_REFUSED', pull('acme/one', {}, {}, 'model.onnx'), 'has no file model.onnx', 'config.json');
  });
});

describe('an interrupted pull', () => {
  it('goes on by itself where the connection broke, again and again', async () => {
    hub.cuts = [70_000, 50_000, 1];
    const done: number[] = [];
    const { path } = await pull('acme/one', {}, { onBytes: (_, bytes) => done.push(bytes) });
    expect(readFileSync(path)).toEqual(Buffer.from(weights));
    // What had arrived but was not read yet when the connection broke is asked for again.
    const from = transfers().map(({ range }) => Number(/^bytes=(\d+)-$/.exec(range ?? 'bytes=0-')?.[1]));
    expect(from).toHaveLength(4);
    expect(from[1]).toBeGreaterThan(0);
    expect(from).toEqual(from.toSorted((a, b) => a - b));
    expect(from.at(-1)).toBeLessThanOrEqual(120_001);
    expect(done.at(-1)).toBe(weights.byteLength);
    expect(done.every((bytes, i) => i === 0 || bytes > (done[i - 1] as number))).toBe(true);
  });

  it('gives up where nothing comes any more, and the next call goes on from there', async () => {
    hub.cuts = [70_000, 0, 0];
    const { message } = await expectRejection('HUB_FAILED', pull('acme/one'), /broke off at \d+ of 200000 bytes/, 'goes on from there');
    const came = /broke off at (\d+) /.exec(message)?.[1] ?? '';
    expect(Number(came)).toBeGreaterThan(0);
    const [partial] = readdirSync(join(home, 'hub/models--acme--one/blobs'));
    expect(partial).toMatch(/^[0-9a-f]{64}\.incomplete$/);
    hub.requests = [];
    const { path } = await pull('acme/one');
    expect(transfers().map(({ range }) => range)).toEqual([`bytes=${came}-`]);
    expect(readFileSync(path)).toEqual(Buffer.from(weights));
  });

  it('tries again where the hub has trouble, and not where it refuses', async () => {
    hub.failures = [503, 429];
    await pull('acme/one');
    expect(transfers()).toHaveLength(3);
    hub.failures = [503, 503, 503];
    await expectRejection('HUB_FAILED', pull('acme/single'), 'status 503');
    hub.failures = [403];
    await expectRejection('HUB_REFUSED', pull('acme/single'), 'status 403');
  });

  it('begins anew where a server knows no ranges', async () => {
    hub.cuts = [70_000];
    hub.ignoreRanges = true;
    expect(readFileSync((await pull('acme/one')).path)).toEqual(Buffer.from(weights));
  });

  it('stops when told to, keeps what came and goes on later', async () => {
    hub.bytesPerSecond = 400_000;
    const stop = new AbortController();
    const stopped = pull('acme/one', {}, { signal: stop.signal, onBytes: (_, done) => done > 60_000 && stop.abort() });
    await expect(stopped).rejects.toMatchObject({ name: 'AbortError' });
    expect(readdirSync(join(home, 'hub/.locks/models--acme--one'))).toEqual([]);
    hub.bytesPerSecond = 0;
    hub.requests = [];
    expect(readFileSync((await pull('acme/one')).path)).toEqual(Buffer.from(weights));
    expect(transfers()[0]?.range).toMatch(/^bytes=[6-9]\d{4}-$/);
  });

  it('is proved as a whole: what an earlier call left may be anything', async () => {
    const blobs = join(home, 'hub/models--acme--one/blobs');
    const incomplete = join(blobs, `${createHash('sha256').update(weights).digest('hex')}.incomplete`);
    mkdirSync(blobs, { recursive: true });
    writeFileSync(incomplete, 'not the beginning of it');
    await expectRejection('MODEL_HASH_MISMATCH', pull('acme/one'), 'has been removed');
    expect(existsSync(incomplete)).toBe(false);
    writeFileSync(incomplete, Buffer.alloc(300_000)); // more than the whole
    await pull('acme/one');
  });
});

describe('wrong bytes', () => {
  it('never become a file of the cache', async () => {
    await expectRejection('MODEL_HASH_MISMATCH', pull('acme/damaged'), 'model.safetensors', 'has been removed');
    expect(readdirSync(join(home, 'hub/models--acme--damaged/blobs'))).toEqual([]);
    expect(existsSync(join(home, 'hub/models--acme--damaged/snapshots'))).toBe(false);
  });

  it('in the cache are noticed and fetched again', async () => {
    const { path } = await pull('acme/one');
    const notes: string[] = [];
    const onNote = (note: string): void => void notes.push(note);
    truncateSync(realpathSync(path), 1000);
    await pull('acme/one', {}, { onNote });
    const bytes = readFileSync(path);
    bytes[1000] = (bytes[1000] as number) ^ 1;
    writeFileSync(path, bytes);
    await pull('acme/one', {}, { onNote });
    expect(notes).toEqual(Array(2).fill('model.safetensors in the cache is damaged: it is fetched again'));
    expect(readFileSync(path)).toEqual(Buffer.from(weights));
    expect(lstatSync(path).isSymbolicLink()).toBe(true);
  });

  it('cannot be listed under names that lead out of the cache', async () => {
    hub.repositories['acme/tricks'] = {
      files: { '../../evil.safetensors': weights, 'a/../b.safetensors': weights, '/etc/x.bin': weights },
    };
    await expectRejection('MODEL_NOT_FOUND', pull('acme/tricks'), 'found none');
    const lying = { weight_map: { a: '../../../evil.safetensors' } };
    hub.repositories['acme/lying'] = {
      files: { 'model.safetensors.index.json': text(JSON.stringify(lying)), '../../../evil.safetensors': weights },
    };
    await expectRejection('CHECKPOINT_INVALID', pull('acme/lying'), 'evil');
    hub.repositories['acme/odd'] = { files: { 'model.safetensors.index.json': text('{"weight_map": 3}') } };
    await expectRejection('CHECKPOINT_INVALID', pull('acme/odd'), 'weight_map');
    for (const repo of ['acme', 'acme/one/two', '../one', 'acme/..', 'acme/a--b', '', '/x', 'acme/ one'])
      await expectRejection('OPTION_INVALID', pull(repo), 'OWNER/NAME');
    for (const revision of ['../main', 'a//b', '-x', 'refs/../main', '.hidden', '/main'])
      await expectRejection('OPTION_INVALID', pull('acme/one', {}, {}, undefined, revision), 'revision');
  });
});

describe('a disk that is full', () => {
  it('is told before anything is fetched, and while it is', async () => {
    hub.repositories['acme/huge'] = { files: { 'model.safetensors': weights.slice(11) }, claimed: { 'model.safetensors': 2 ** 52 } };
    await expectRejection('OUTPUT_FAILED', pull('acme/huge'), 'model.safetensors needs 4503599627370496 bytes more', 'HF_HUB_CACHE');
    expect(transfers()).toEqual([]);
    const file = join(home, 'a file where a folder should be');
    writeFileSync(file, '');
    await expectRejection('OUTPUT_FAILED', pull('acme/one', { HF_HUB_CACHE: file }), 'cannot be written', 'HF_HUB_CACHE');
  });

  it('is no trouble of the network: nothing is tried again', async () => {
    const from = { repo: 'acme/one', commit: hub.commit('acme/one'), files: [] };
    const file = { path: 'model.safetensors', size: weights.byteLength, etag: createHash('sha256').update(weights).digest('hex') };
    const full = { write: () => Promise.reject(new Error('ENOSPC: no space left on device')) } as unknown as FileHandle;
    const transfer = { file, done: 0, hash: createHash('sha256'), handle: full, restart: () => Promise.resolve(createHash('sha256')) };
    await expectRejection('OUTPUT_FAILED', fetchRest(await settings(), from, transfer, { retryMs: [1, 1] }), 'ENOSPC', 'is kept');
    expect(transfers()).toHaveLength(1);
  });
});

describe('refusals', () => {
  it.each([
    ['acme/unknown', {}, ['no such repository', 'status 401', 'set HF_TOKEN']],
    ['acme/unknown', { HF_TOKEN: 'secret-token' }, ['no such repository', 'status 404']],
    ['acme/secret', {}, ['private', 'set HF_TOKEN']],
    ['acme/one', { HF_TOKEN: 'wrong-token' }, ['token was not accepted']],
    ['acme/gated', {}, ['is gated', 'accept its terms', 'acme/gated']],
    ['acme/closed', { HF_TOKEN: 'secret-token' }, ['has not been let in', 'status 403']],
  ] as const)('of %s with %j say what to do', async (repo, env, parts) => {
    const error = await expectRejection('HUB_REFUSED', pull(repo, env), hub.endpoint, ...parts);
    expect(error.message).not.toContain('-token');
  });

  it('name the revision', async () => {
    await expectRejection('HUB_REFUSED', pull('acme/one', {}, {}, undefined, 'v9'), 'no revision v9');
  });

  it('are told apart from a network that is not there, and from a server that is no hub', async () => {
    await expectRejection('HUB_FAILED', pull('acme/one', { HF_ENDPOINT: 'http://127.0.0.1:9' }), 'cannot be reached', 'NODE_USE_ENV_PROXY');
    const odd = { ...(await settings()), fetch: () => Promise.resolve(new Response('<html>')) };
    await expectRejection('HUB_FAILED', fetchWeights(odd, { repo: 'acme/one' }, fast), 'Check HF_ENDPOINT');
  });
});

describe('the token', () => {
  it('opens what is private and goes to the hub alone', async () => {
    mkdirSync(home, { recursive: true });
    writeFileSync(join(home, 'token'), 'secret-token\n');
    await pull('acme/secret');
    const sent = (origin: string): (string | undefined)[] => [
      ...new Set(hub.requests.filter((one) => one.origin === origin).map((one) => one.authorization)),
    ];
    expect(sent('hub')).toEqual(['Bearer secret-token']);
    expect(sent('cdn')).toEqual([undefined]);
  });
});

describe('offline', () => {
  it('uses what is there and asks nobody', async () => {
    await pull('acme/one');
    await pull('acme/parts');
    hub.requests = [];
    const offline = { HF_HUB_OFFLINE: '1' };
    expect((await pull('acme/one', offline)).path).toContain(hub.commit('acme/one'));
    expect((await pull('acme/one', offline, {}, undefined, hub.commit('acme/one'))).path).toMatch(/model\.safetensors$/);
    const parts = await pull('acme/parts', offline);
    rmSync(realpathSync(join(parts.path, '..', 'model-00002-of-00002.safetensors')));
    await expectRejection('HUB_FAILED', pull('acme/parts', offline), 'offline', 'no model-00002-of-00002.safetensors');
    await expectRejection('HUB_FAILED', pull('acme/single', offline), 'offline', 'nothing of its revision main', home);
    await expectRejection('HUB_FAILED', pull('acme/one', offline, {}, 'other.bin'), 'no other.bin');
    expect(hub.requests).toEqual([]);
  });

  it('is fallen back to where the hub cannot be reached', async () => {
    await pull('acme/one');
    const notes: string[] = [];
    await pull('acme/one', { HF_ENDPOINT: 'http://127.0.0.1:9' }, { onNote: (note) => notes.push(note) });
    expect(notes.join()).toMatch(/cannot be reached.*which is used/);
  });
});

describe('several at once', () => {
  it('fetch a file once', async () => {
    hub.bytesPerSecond = 800_000;
    const notes: string[] = [];
    const paths = await Promise.all(Array.from({ length: 4 }, () => pull('acme/one', {}, { onNote: (note) => notes.push(note) })));
    expect(new Set(paths.map(({ path }) => path)).size).toBe(1);
    expect(transfers()).toHaveLength(1);
    expect(notes[0]).toMatch(/is downloading it; waiting/);
    expect(statSync((paths[0] as { path: string }).path).size).toBe(weights.byteLength);
  });

  it('do not wait for a machine that is gone', async () => {
    const sha256 = createHash('sha256').update(weights).digest('hex');
    const lock = join(home, 'hub/.locks/models--acme--one', `${sha256}.prosam-lock`);
    mkdirSync(join(lock, '..'), { recursive: true });
    writeFileSync(lock, JSON.stringify({ pid: 1, host: 'a-container-that-was', started: 1 }));
    const stop = new AbortController();
    const notes: string[] = [];
    const onNote = (note: string): void => {
      notes.push(note);
      stop.abort();
    };
    const waiting = pull('acme/one', {}, { signal: stop.signal, onNote });
    await expect(waiting).rejects.toMatchObject({ name: 'AbortError' });
    expect(notes[0]).toContain('process 1 on a-container-that-was is downloading it');
    utimesSync(lock, 0, 0); // and nothing has come since
    await pull('acme/one');
    expect(existsSync(lock)).toBe(false);
  });
});
