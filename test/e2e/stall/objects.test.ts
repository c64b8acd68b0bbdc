/** Object stores that fall silent: an S3 server behind a proxy, and a folder whose files cannot be read. */
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { closeSync, constants, mkdtempSync, openSync, rmSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openDiskBlobs } from '../../../src/storage/blobs/disk-blobs.ts';
import { openS3Blobs } from '../../../src/storage/blobs/s3-blobs.ts';
import { USUAL_TIMEOUTS } from '../../../src/storage/timeouts.ts';
import type { Blobs } from '../../../src/service/ports/storage.ts';
import { s3Program, startS3, type S3Server } from '../../unit/storage/start-s3.ts';
import { hashOf } from '../../../src/testing/storage/records.ts';
import { expectRejection } from '../../unit/core/expect-error.ts';
import { startStallingProxy, type StallingProxy } from './stalling-proxy.ts';
import { untilAnswered } from './until-answered.ts';

describe.skipIf(s3Program() === undefined)('S3 (needs moto_server on PATH or in PROSAM_MOTO_SERVER)', () => {
  let server: S3Server;
  let proxy: StallingProxy;
  let address: string;
  const opened: Blobs[] = [];
  const open = async (timeouts = {}): Promise<Blobs> => {
    const blobs = await openS3Blobs(address, { ...USUAL_TIMEOUTS, silenceMs: 300, objectMs: 1500, connectMs: 1000, ...timeouts });
    opened.push(blobs);
    return blobs;
  };
  beforeAll(async () => {
    server = await startS3();
    proxy = await startStallingProxy(Number(new URL(server.endpoint).port));
    const place = await server.createPlace();
    address = place.replace(encodeURIComponent(server.endpoint), encodeURIComponent(`http://127.0.0.1:${proxy.port}`));
  });
  afterAll(async () => {
    for (const blobs of opened) await blobs.close();
    await proxy.close();
    await server.stop();
  });

  it('ends every call that hangs, and the next ones work', async () => {
    const blobs = await untilAnswered(open);
    const [bytes, others] = [randomBytes(500_000), randomBytes(1000)];
    const name = await untilAnswered(() => blobs.put(bytes));
    proxy.stall();
    await Promise.all([
      expectRejection('STORAGE_TIMEOUT', blobs.get(name), 'bucket', 'Try again'),
      expectRejection('STORAGE_TIMEOUT', blobs.has(name)),
      expectRejection('STORAGE_TIMEOUT', blobs.put(others)),
      expectRejection('STORAGE_TIMEOUT', blobs.list()[Symbol.asyncIterator]().next()),
      expectRejection('STORAGE_TIMEOUT', open()),
    ]);
    proxy.resume();
    expect(Buffer.compare((await untilAnswered(() => blobs.get(name))) ?? new Uint8Array(), bytes)).toBe(0);
    const put = () => untilAnswered(() => blobs.put(others));
    expect(await put()).toBe(await put());
  });

  it('reads once more what fell silent in the middle, before its answer and after it had begun', async () => {
    const blobs = await untilAnswered(() => open({ objectMs: 600_000 }));
    const bytes = randomBytes(2_000_000);
    const name = await untilAnswered(() => blobs.put(bytes));
    for (const cutAfter of [0, 100, 50_000]) {
      const before = proxy.connections;
      proxy.stallNext(cutAfter);
      expect(Buffer.compare((await untilAnswered(() => blobs.get(name))) ?? new Uint8Array(), bytes)).toBe(0);
      expect(proxy.connections).toBeGreaterThan(before);
    }
  });

  it('is not waited for by whoever gives up, and nothing else is ended by that', async () => {
    const blobs = await open({ silenceMs: 600_000, objectMs: 600_000, connectMs: 600_000 });
    const bytes = randomBytes(1_000_000);
    const name = await blobs.put(bytes);
    proxy.stall();
    const control = new AbortController();
    const [given, others] = [blobs.get(name, { signal: control.signal }), blobs.get(name)];
    control.abort(new Error('gone'));
    await expect(given).rejects.toThrow('gone');
    await expect(blobs.put(bytes, { signal: AbortSignal.abort(new Error('gone before')) })).rejects.toThrow('gone before');
    proxy.resume();
    expect(await others).toHaveLength(1_000_000);
  });
});

describe('a folder', () => {
  it('whose files hang keeps nobody waiting, and leaves threads to everything else', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'prosam-stall-'));
    const blobs = await openDiskBlobs(folder, { timeouts: { objectMs: 300 } });
    const good = await untilAnswered(() => blobs.put(Buffer.from('good')));
    // A pipe nobody writes to is opened as a file of a server that has gone: never.
    const names = Array.from({ length: 6 }, (_, i) => hashOf(`hangs ${i}`));
    const fileOf = (name: string): string => join(folder, name.slice(0, 2), name.slice(2, 4), name);
    for (const name of names) {
      await mkdir(dirname(fileOf(name)), { recursive: true });
      execFileSync('mkfifo', [fileOf(name)]);
    }
    try {
      await expectRejection('STORAGE_TIMEOUT', blobs.get(names[0] as string), folder);
      // One that hangs leaves room for others.
      expect(await untilAnswered(() => blobs.get(good))).toHaveLength(4);
      await Promise.all(names.map((name) => expectRejection('STORAGE_TIMEOUT', blobs.get(name))));
      await expectRejection('STORAGE_TIMEOUT', blobs.get(good));
      // What has nothing to do with that folder has threads left.
      await mkdir(join(tmpdir(), 'anything'), { recursive: true });
    } finally {
      let released = 0;
      while (released < names.length) {
        for (const name of names) {
          try {
            closeSync(openSync(fileOf(name), constants.O_WRONLY | constants.O_NONBLOCK));
            released++;
          } catch {
            // Nobody reads it at the moment.
          }
        }
        if (await blobs.get(good).then(() => true, () => false)) break; // prettier-ignore
      }
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
