/** Pulls from a hub: what comes, what is asked, what is refused, and what works offline. */
import { createHash } from 'node:crypto';
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { fetchWeights } from '../../../../../src/core/models/hub/hub.ts';
import { expectRejection } from '../../expect-error.ts';
import { fast, hubBench, text, weights } from './hub-bench.ts';

const bench = await hubBench();
const { hub, settings, pull, transfers } = bench;

describe('a pull', () => {
  it('leaves the cache as the other tools of the hub write and read it', async () => {
    const { path, commit, license, bytes } = await pull('acme/one');
    expect({ commit, license, bytes }).toEqual({ commit: hub.commit('acme/one'), license: 'apache-2.0', bytes: weights.byteLength });
    const folder = join(bench.home, 'hub', 'models--acme--one');
    const sha256 = createHash('sha256').update(weights).digest('hex');
    expect(path).toBe(join(folder, 'snapshots', commit, 'model.safetensors'));
    expect(readlinkSync(path)).toBe(`../../blobs/${sha256}`);
    expect(readFileSync(path)).toEqual(Buffer.from(weights));
    expect(readFileSync(join(folder, 'refs', 'main'), 'utf8')).toBe(commit);
    expect(readdirSync(join(folder, 'blobs'))).toEqual([sha256]);
    expect(readdirSync(join(bench.home, 'hub', '.locks', 'models--acme--one'))).toEqual([]);
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
    expect(readFileSync(join(bench.home, 'hub/models--acme--one/refs/v1.0'), 'utf8')).toBe(commit);
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

describe('wrong bytes', () => {
  it('never become a file of the cache', async () => {
    await expectRejection('MODEL_HASH_MISMATCH', pull('acme/damaged'), 'model.safetensors', 'has been removed');
    expect(readdirSync(join(bench.home, 'hub/models--acme--damaged/blobs'))).toEqual([]);
    expect(existsSync(join(bench.home, 'hub/models--acme--damaged/snapshots'))).toBe(false);
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
    mkdirSync(bench.home, { recursive: true });
    writeFileSync(join(bench.home, 'token'), 'secret-token\n');
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
    await expectRejection('HUB_FAILED', pull('acme/single', offline), 'offline', 'nothing of its revision main', bench.home);
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
