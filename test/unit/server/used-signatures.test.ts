/** A signed request is good once, whichever process of the service it reaches, and after a restart. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createEngine, type Engine } from 'prosam';
import { createServer, type ProsamServer } from 'prosam/server';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { signRequest } from '../../../src/adapters/http/signature.ts';
import { silentLog } from '../../../src/service/ports/log.ts';

const SECRET = 'a secret of some length';
const folder = mkdtempSync(join(tmpdir(), 'prosam-signed-'));
let engine: Engine;
beforeAll(async () => {
  engine = await createEngine({ model: 'tiny' });
});
afterAll(async () => {
  await engine.close();
  rmSync(folder, { recursive: true, force: true });
});

const start = async (): Promise<ProsamServer> =>
  createServer({
    ...{ port: 0, database: join(folder, 'prosam.db'), objects: join(folder, 'blobs'), cache: '', engine },
    ...{ auth: { hmac: [{ name: 'signer', secret: SECRET }] }, learner: { run: 'off' }, logger: silentLog, environment: {} },
  });

it('is remembered by the store', async () => {
  const line = { method: 'POST', path: '/v1/projects/cups/train' };
  const signature = signRequest(SECRET, line, '', Date.now());
  const send = async (url: string, header: string) =>
    (await fetch(`${url}${line.path}`, { method: 'POST', headers: { 'x-prosam-signature': header } })).status;
  const [one, other] = [await start(), await start()];
  const [first, second] = [await one.listen(), await other.listen()];
  expect(await send(first, signature)).not.toBe(401);
  expect(await send(second, signature)).toBe(401);
  await one.close();
  await other.close();
  const restarted = await start();
  const url = await restarted.listen();
  expect(await send(url, signature)).toBe(401);
  expect(await send(url, signRequest(SECRET, line, '', Date.now()))).not.toBe(401);
  await restarted.close();
});
