/** The example adapter, over real sockets, from the public names alone. */
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createGuard, createHttpApp, createImageSources, listen } from 'prosam/http';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { lightTable } from '../../examples/custom-adapter/light-table.ts';
import { fakeService } from '../unit/adapters/fake-service.ts';
import { pngOf } from '../unit/adapters/webhook/webhook-server.ts';

const TOKEN = 'light-table-token-0123';
const service = fakeService({ labels: ['scratch'] });
let scans: ReturnType<typeof createServer>;
let close: () => Promise<void>;
let base: string;
let sheet: string;

beforeAll(async () => {
  const image = await pngOf();
  scans = createServer((_, response) => response.end(image));
  await new Promise<void>((done) => scans.listen(0, '127.0.0.1', done));
  const host = `127.0.0.1:${(scans.address() as AddressInfo).port}`;
  sheet = `http://${host}/film-7.png`;
  const images = createImageSources({ allowHosts: [host] });
  const app = createHttpApp({ guard: createGuard({ tokens: [{ name: 'table', token: TOKEN, access: 'write' }] }) });
  app.mount('/light-table', lightTable({ service, images }));
  const server = await listen(app, { host: '127.0.0.1', port: 0 });
  base = `${server.url}/light-table`;
  close = async () => {
    await server.close({ deadlineMs: 500 });
    await images.close();
    scans.close();
  };
});
afterAll(() => close());
beforeEach(() => {
  service.state.calls.length = 0;
});

async function ask(path: string, body?: unknown, token = TOKEN) {
  const response = await fetch(`${base}${path}`, {
    method: body === undefined ? 'GET' : 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  return { status: response.status, json: (await response.json()) as never };
}

describe('the light table', () => {
  it('gets outlines of what it knows and hears what it does not', async () => {
    const { status, json } = await ask('/outlines', { sheet, names: ['scratch', 'dust'] });
    expect(status).toBe(200);
    const { outlines, unknown } = json as { outlines: { name: string; corners: number[][]; sure: number }[]; unknown: string[] };
    expect(outlines.map(({ name, sure }) => [name, sure])).toEqual([['scratch', 80]]);
    expect(outlines[0]?.corners.length).toBeGreaterThan(6);
    expect(unknown).toEqual(['dust']);
    expect(await ask('/next?count=1')).toMatchObject({ status: 200, json: { sheets: [{ sheet }] } });
  });

  it('hands work back once, under its own names', async () => {
    const outlines = [
      {
        name: 'scratch',
        corners: [
          [1, 1],
          [9, 1],
          [9, 9],
        ],
      },
    ];
    const done = { film: 'film 7', sheet, round: 1, by: 'Mira', how: 'corrected', outlines };
    expect((await ask('/done', done)).status).toBe(201);
    expect((await ask('/done', done)).status).toBe(200);
    expect(service.state.calls.find(({ name }) => name === 'annotations.accept')?.args).toMatchObject({
      ...{ project: 'films', source: 'light-table', externalId: 'film 7', revision: 1, provenance: 'edited', annotator: 'Mira' },
      masks: [
        {
          label: 'scratch',
          polygon: [
            [
              [1, 1],
              [9, 1],
              [9, 9],
            ],
          ],
        },
      ],
    });
    expect((await ask('/done', { ...done, round: 2, how: 'thrown-away', outlines: [] })).status).toBe(201);
    expect((await ask('/done', { ...done, round: 3, how: 'thrown-away' })).status).toBe(400);
  });

  it('is guarded like every other adapter', async () => {
    expect((await ask('/next', undefined, 'some-other-token-012345')).status).toBe(401);
    const inside = await ask('/outlines', { sheet: 'http://169.254.169.254/', names: ['scratch'] });
    expect(inside).toMatchObject({ status: 422, json: { error: { code: 'URL_REFUSED' } } });
    expect(service.state.calls).toEqual([]);
  });

  it('stays short, and knows nothing but the public names', () => {
    const text = readFileSync('examples/custom-adapter/light-table.ts', 'utf8');
    expect(text.split('\n').length).toBeLessThan(150);
    expect([...text.matchAll(/from '([^']+)'/g)].map(([, name]) => name)).toEqual(['prosam', 'prosam/server', 'zod']);
  });
});
