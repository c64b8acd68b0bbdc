/** Pulls that break off, run out of disk, or run several at once. */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { fetchRest } from '../../../../../src/core/models/hub/transfer.ts';
import { expectRejection } from '../../expect-error.ts';
import { hubBench, weights } from './hub-bench.ts';

const bench = await hubBench();
const { hub, settings, pull, transfers } = bench;

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
    const [partial] = readdirSync(join(bench.home, 'hub/models--acme--one/blobs'));
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
    expect(readdirSync(join(bench.home, 'hub/.locks/models--acme--one'))).toEqual([]);
    hub.bytesPerSecond = 0;
    hub.requests = [];
    expect(readFileSync((await pull('acme/one')).path)).toEqual(Buffer.from(weights));
    expect(transfers()[0]?.range).toMatch(/^bytes=[6-9]\d{4}-$/);
  });

  it('is proved as a whole: what an earlier call left may be anything', async () => {
    const blobs = join(bench.home, 'hub/models--acme--one/blobs');
    const incomplete = join(blobs, `${createHash('sha256').update(weights).digest('hex')}.incomplete`);
    mkdirSync(blobs, { recursive: true });
    writeFileSync(incomplete, 'not the beginning of it');
    await expectRejection('MODEL_HASH_MISMATCH', pull('acme/one'), 'has been removed');
    expect(existsSync(incomplete)).toBe(false);
    writeFileSync(incomplete, Buffer.alloc(300_000)); // more than the whole
    await pull('acme/one');
  });
});

describe('a disk that is full', () => {
  it('is told before anything is fetched, and while it is', async () => {
    hub.repositories['acme/huge'] = { files: { 'model.safetensors': weights.slice(11) }, claimed: { 'model.safetensors': 2 ** 52 } };
    await expectRejection('OUTPUT_FAILED', pull('acme/huge'), 'model.safetensors needs 4503599627370496 bytes more', 'HF_HUB_CACHE');
    expect(transfers()).toEqual([]);
    const file = join(bench.home, 'a file where a folder should be');
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
    const lock = join(bench.home, 'hub/.locks/models--acme--one', `${sha256}.prosam-lock`);
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
