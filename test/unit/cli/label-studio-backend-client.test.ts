/** Introductions by commands: a running service keeps the settings of its connection. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import type { LabelStudioClient } from '../../../src/adapters/label-studio/api/client.ts';
import type { ApiBackend, ApiProject } from '../../../src/adapters/label-studio/api/types.ts';
import { createBackendClient } from '../../../src/cli/label-studio/backend-client.ts';

const PROJECT: ApiProject = { id: 3, title: 't', label_config: '<View/>', created_at: '2026-11-22T16:31:53.521413Z' };
const VERSION = 'tiny@9a897d329434.base.r-387cc446b653';
const closers: (() => void)[] = [];
afterEach(() => closers.splice(0).forEach((close) => close()));

/** A service that keeps what introduces a project to it. */
async function service() {
  const told: { extra_params: unknown }[] = [];
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (piece: Buffer) => (body += piece.toString()));
    request.on('end', () => {
      told.push(JSON.parse(body) as (typeof told)[number]);
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ model_version: VERSION }));
    });
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  closers.push(() => server.close());
  return { told, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/label-studio` };
}

const connection = (url: string, extra_params: unknown, model_version = 'another'): ApiBackend => ({
  ...{ id: 1, url, title: null, state: 'CO', is_interactive: true, basic_auth_pass_is_set: false, project: 3 },
  ...{ model_version, extra_params },
});

describe('an introduction by a command', () => {
  it.each([
    [
      'of the connection to this service',
      (url: string) => [connection('http://other:1', { threshold: 0.1 }, VERSION), connection(url, { threshold: 0.6 })],
    ],
    [
      'of the connection with a version of its kind, for a service of the command alone',
      () => [connection('http://other:1', { threshold: 0.6 }, VERSION)],
    ],
  ])('carries the settings %s, asked for once', async (_, backends) => {
    const { told, url } = await service();
    let asked = 0;
    const client = { url: 'http://ls', backends: () => Promise.resolve((asked++, backends(url.replace('127.0.0.1', 'localhost')))) };
    const backend = createBackendClient({
      ...{ backend: url, fromHere: url, login: undefined, token: undefined, client: client as unknown as LabelStudioClient },
    });
    expect([await backend.setup(PROJECT), await backend.setup(PROJECT)]).toEqual([VERSION, VERSION]);
    expect(told.map(({ extra_params }) => extra_params)).toEqual([{ threshold: 0.6 }, { threshold: 0.6 }]);
    expect(asked).toBe(1);
  });

  it('has none where there is no such connection', async () => {
    const { told, url } = await service();
    const client = { url: 'http://ls', backends: () => Promise.resolve([connection('http://other:1', { threshold: 0.1 })]) };
    await createBackendClient({
      ...{ backend: url, fromHere: url, login: undefined, token: undefined, client: client as unknown as LabelStudioClient },
    }).setup(PROJECT);
    expect(told).toMatchObject([{ extra_params: null }]);
  });
});
