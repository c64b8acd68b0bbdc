/** A real S3 server for tests, with its own port and empty buckets. */
import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { CreateBucketCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { dyingWithUs } from '../../support/dies-with-us.ts';
import { freePort } from './start-postgres.ts';

const START_MS = 60_000;

export interface S3Server {
  endpoint: string;
  /** A new, empty place: its s3:// address. Sets the credentials of this process to any, as the server takes any. */
  createPlace(): Promise<string>;
  /** Puts bytes where a place keeps the blob of a name, whatever the name says. */
  overwrite(place: string, sha256: string, bytes: Uint8Array): Promise<void>;
  stop(): Promise<void>;
}

/** The program; undefined where it is not installed (pip install 'moto[server]'). */
export function s3Program(): string | undefined {
  const given = process.env['PROSAM_MOTO_SERVER'];
  const places = (process.env['PATH'] ?? '').split(delimiter).map((folder) => join(folder, 'moto_server'));
  const found = [...(given === undefined ? [] : [given]), ...places].find((path) => existsSync(path));
  if (found === undefined && process.env['PROSAM_REQUIRE_S3'] === '1')
    throw new Error("PROSAM_REQUIRE_S3=1, but there is no moto_server on PATH or in PROSAM_MOTO_SERVER: pip install 'moto[server]'");
  return found;
}

export async function startS3(): Promise<S3Server> {
  const program = s3Program();
  if (program === undefined) throw new Error("there is no moto_server: pip install 'moto[server]'");
  process.env['AWS_ACCESS_KEY_ID'] ??= 'test';
  process.env['AWS_SECRET_ACCESS_KEY'] ??= 'test';
  const port = await freePort();
  const endpoint = `http://127.0.0.1:${port}`;
  const server = spawn(...dyingWithUs(program, ['-H', '127.0.0.1', '-p', String(port)]), { stdio: 'ignore' });
  const until = Date.now() + START_MS;
  for (;;) {
    await wait(100);
    if (server.exitCode !== null || Date.now() > until) throw new Error('moto_server did not start');
    if (await fetch(endpoint).then(() => true, () => false)) break; // prettier-ignore
  }
  const client = new S3Client({ endpoint, region: 'us-east-1', forcePathStyle: true });
  return {
    endpoint,
    async createPlace() {
      const bucket = `test-${randomUUID()}`;
      await client.send(new CreateBucketCommand({ Bucket: bucket }));
      return `s3://${bucket}/some/prefix?endpoint=${encodeURIComponent(endpoint)}&region=us-east-1`;
    },
    async overwrite(place, sha256, bytes) {
      const { hostname, pathname } = new URL(place);
      await client.send(new PutObjectCommand({ Bucket: hostname, Key: `${pathname.slice(1)}/${sha256}`, Body: bytes }));
    },
    async stop() {
      client.destroy();
      const ended = new Promise((resolve) => server.once('exit', resolve));
      server.kill();
      await ended;
    },
  };
}
