/** Blobs in a folder and in a real S3 server. */
import { mkdtempSync } from 'node:fs';
import { mkdir, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openDiskBlobs } from '../../../src/storage/blobs/disk-blobs.ts';
import { openS3Blobs } from '../../../src/storage/blobs/s3-blobs.ts';
import { testBlobs } from '../../../src/testing/storage/blobs.ts';
import { collect, hashOf } from '../../../src/testing/storage/records.ts';
import { expectRejection } from '../core/expect-error.ts';
import { freePort } from './start-postgres.ts';
import { s3Program, startS3, type S3Server } from './start-s3.ts';

describe('a folder', () => {
  const newFolder = () => mkdtempSync(join(tmpdir(), 'prosam-blobs-'));
  const fileOf = (folder: string, sha256: string) => join(folder, sha256.slice(0, 2), sha256.slice(2, 4), sha256);

  testBlobs({ afterAll, beforeAll, describe, it }, () => {
    const folder = newFolder();
    return Promise.resolve({
      open: () => openDiskBlobs(folder),
      damage: (sha256, bytes) => writeFile(fileOf(folder, sha256), bytes),
      remove: () => rm(folder, { recursive: true, force: true }),
    });
  });

  it('is made where there is none, and holds nothing that was left unfinished long ago', async () => {
    const folder = join(newFolder(), 'a', 'b');
    await mkdir(join(folder, 'unfinished'), { recursive: true });
    await writeFile(join(folder, 'unfinished', 'old'), 'x');
    await utimes(join(folder, 'unfinished', 'old'), 1, 1);
    await writeFile(join(folder, 'unfinished', 'new'), 'x');
    await mkdir(join(folder, '00', '11'), { recursive: true });
    await writeFile(join(folder, '00', '11', 'stranger'), 'x');
    const blobs = await openDiskBlobs(folder);
    expect(await readdir(join(folder, 'unfinished'))).toEqual(['new']);
    expect(await collect(blobs.list())).toEqual([]);
    await blobs.put(Buffer.from('x'));
    expect(await readdir(join(folder, 'unfinished'))).toEqual(['new']);
    expect(await collect(blobs.list())).toEqual([hashOf('x')]);
  });

  it('that is none is told as such', async () => {
    const file = join(newFolder(), 'file');
    await writeFile(file, 'x');
    await expectRejection('STORAGE_FAILED', openDiskBlobs(join(file, 'below')), file);
  });
});

describe.skipIf(s3Program() === undefined)('S3 (needs moto_server on PATH or in PROSAM_MOTO_SERVER)', () => {
  let server: S3Server;
  beforeAll(async () => {
    server = await startS3();
  });
  afterAll(async () => {
    await server.stop();
  });

  testBlobs({ afterAll, beforeAll, describe, it }, async () => {
    const place = await server.createPlace();
    return {
      open: () => openS3Blobs(place),
      damage: (sha256, bytes) => server.overwrite(place, sha256, bytes),
      remove: () => Promise.resolve(),
    };
  });

  it('lists more than fit one answer, and only what lies below its prefix', async () => {
    const place = await server.createPlace();
    const blobs = await openS3Blobs(place);
    const beside = await openS3Blobs(place.replace('/some/prefix', ''));
    await beside.put(Buffer.from('beside'));
    // Written by the server's own hand, because a thousand and more one by one take long.
    const names = Array.from({ length: 1005 }, (_, i) => hashOf(`${i}`));
    for (let from = 0; from < names.length; from += 50)
      await Promise.all(names.slice(from, from + 50).map((name) => server.overwrite(place, name, Buffer.from('x'))));
    expect((await collect(blobs.list())).sort()).toEqual([...names].sort());
    expect(await collect(beside.list())).toEqual([hashOf('beside')]);
    await blobs.close();
    await beside.close();
  });

  it('without the bucket, or without a server, is told when opened', async () => {
    await expectRejection('STORAGE_FAILED', openS3Blobs(`s3://no-such-bucket/x?endpoint=${server.endpoint}`), 'no-such-bucket');
    const nobody = `http://127.0.0.1:${await freePort()}`;
    await expectRejection('STORAGE_FAILED', openS3Blobs(`s3://bucket/x?endpoint=${nobody}`), 'bucket');
  });

  it('is refused by an address that is none', async () => {
    for (const address of ['s3:///x', 's3:bucket', 's3://bucket?endpont=http://x'])
      await expectRejection('CONFIG_INVALID', openS3Blobs(address)); // prettier-ignore
  });
});
