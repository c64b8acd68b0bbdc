/** Names of projects that nobody made cost nothing, however many are asked for. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createEngine } from 'prosam';
import { createServer } from 'prosam/server';
import { afterAll, expect, it } from 'vitest';
import { silentLog } from '../../../src/service/ports/log.ts';

const folder = mkdtempSync(join(tmpdir(), 'prosam-unknown-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const NAMES = 200;

it('leave no trace in metrics, status and lists', async () => {
  await using engine = await createEngine({ model: 'tiny' });
  const place = { database: join(folder, 'prosam.db'), objects: join(folder, 'blobs'), cache: '' };
  await using server = await createServer({
    ...{ ...place, port: 0, engine, learner: { run: 'off' }, logger: silentLog, environment: {} },
  });
  const url = await server.listen();
  const text = async (path: string): Promise<string> => (await fetch(new URL(path, url))).text();
  const seen = async () => [...(await Promise.all(['/metrics', '/v1/status', '/v1/projects'].map(text))), server.service.errors()];
  const routes = (name: string): string[] => [
    ...['', '/runs', '/annotations', '/next-images', '/history', `/images/${'0'.repeat(64)}`].map((rest) => `/v1/projects/${name}${rest}`),
    ...[`/v1/versions?project=${name}`, `/v1/deliveries?project=${name}`, `/v1/predictions?project=${name}`, `/${name}/${name}`],
  ];
  const ask = (name: string) => Promise.all(routes(name).map(text));
  await ask('nobody-made-this');
  const before = JSON.stringify(await seen());
  for (let i = 0; i < NAMES; i++) await ask(`nobody-made-this-${i}`);
  const after = JSON.stringify(await seen());
  expect(after).not.toContain('nobody-made-this');
  // A line for a route that was not asked before is no list of names.
  const lines = (text: string): number => text.split('\\n').length;
  expect(lines(after) - lines(before)).toBeLessThan(NAMES / 2);
}, 60_000);
