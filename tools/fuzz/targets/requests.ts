/** Bodies of requests, over real connections: /v1, Label Studio's calls, CVAT's calls. The service behind them is a stand-in. */
import { Agent, request } from 'node:http';
import sharp from 'sharp';
import { seededRandom, uniformInt, type Random } from '../../../src/core/common/random.ts';
import { CONFIG, startBackend, traffic } from '../../../test/integrations/label-studio/backend-server.ts';
import { exactService, label, startFacade } from '../../../test/integrations/cvat/functions/facade-server.ts';
import { startServer, TOKENS } from '../../../test/unit/adapters/webhook/webhook-server.ts';
import { fakeService } from '../../../test/unit/adapters/fake-service.ts';
import { damaged } from '../mutate.ts';
import { mutatedJson, type Json } from '../mutate-json.ts';
import type { FuzzTarget, Outcome, Try } from '../target.ts';

interface Seed {
  method: string;
  path: string;
  body: Json;
  headers?: Record<string, string>;
}

/** Codes of the first validation: the request line, the credentials, the envelope. */
const FIRST = new Set(['REQUEST_INVALID', 'ROUTE_NOT_FOUND', 'UNAUTHORIZED', 'FORBIDDEN', 'REQUEST_TOO_LARGE', 'FUNCTION_NOT_FOUND']);
/** Answers that say: later. */
const LATER = new Set(['SERVICE_BUSY', 'CLIENT_BUSY']);
const PNG = { width: 24, height: 16, channels: 3, background: '#804020' } as const;
/** A process keeps what the stand-in accepted. */
const PER_PROCESS = 3000;

/** A server that was started, and requests to it. */
function trying(
  server: { url: string; close: () => Promise<void> },
  seeds: readonly Seed[],
  headers: Record<string, string> = {},
): { run: Try; close: () => Promise<void> } {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const { port } = new URL(server.url);
  const run: Try = (number) => {
    const random = seededRandom(number);
    const seed = seeds[uniformInt(random, 0, seeds.length - 1)] as Seed;
    const path = random() < 0.05 ? `/${encodeURI(damagedText(seed.path, random))}` : seed.path;
    const text = JSON.stringify(mutatedJson(seed.body, random));
    const bytes = random() < 0.05 ? damaged(Buffer.from(text), Buffer.from(text), random) : Buffer.from(text);
    return answered(port, { method: seed.method, path, agent, headers: { ...headers, ...seed.headers } }, bytes);
  };
  const close = (): Promise<void> => {
    agent.destroy();
    return server.close();
  };
  return { run, close };
}

function damagedText(text: string, random: Random): string {
  return damaged(Buffer.from(text), Buffer.from(text), random).toString('latin1');
}

function answered(
  port: string,
  options: { method: string; path: string; agent: Agent; headers: Record<string, string> },
  body: Buffer,
): Promise<Outcome> {
  return new Promise((resolve) => {
    const headers = { 'content-type': 'application/json', ...options.headers, 'content-length': String(body.length) };
    const sent = request({ ...options, host: '127.0.0.1', port, headers }, (response) => {
      const pieces: Buffer[] = [];
      response.on('data', (piece: Buffer) => pieces.push(piece));
      response.on('end', () => resolve(outcomeOf(response.statusCode ?? 0, Buffer.concat(pieces).toString())));
    });
    sent.on('error', (error) =>
      resolve({ code: `UNEXPECTED: no answer to ${options.method} ${options.path}: ${error.message}`, past: true }),
    );
    sent.end(body);
  });
}

function outcomeOf(status: number, text: string): Outcome {
  if (status < 400) return { code: 'OK', past: true };
  const [, code = `status ${status}`] = /"code":"([A-Z_]+)"/.exec(text) ?? [];
  if (status >= 500 && !LATER.has(code)) return { code: `UNEXPECTED: ${status} ${text.slice(0, 500)}`, past: true };
  return { code, past: !FIRST.has(code) };
}

const picture = (): Promise<Buffer> => sharp({ create: PNG }).png().toBuffer();

export const HTTP: FuzzTarget = {
  name: 'HTTP bodies',
  about: 'every route of /v1 that takes a body',
  perProcess: PER_PROCESS,
  async open() {
    const server = await startServer({ service: fakeService({ labels: ['cup'] }), working: false });
    const image = { base64: (await picture()).toString('base64') };
    const { size, counts } = { size: [16, 24], counts: [10, 20, 354] };
    const mask = { label: 'cup', box: [1, 2, 10, 12] };
    const shapes: Json[] = [
      { label: 'cup', rle: { size, counts } },
      { label: 'cup', polygon: [[1, 1], [12, 1], [12, 12]] }, // prettier-ignore
      { label: 'cup', points: [[3, 4]], negative: [[9, 9]] }, // prettier-ignore
      { label: 'cup', scribble: [[1, 1], [20, 12]], width: 2 }, // prettier-ignore
      { label: 'cup', mask: image },
    ];
    const annotation = { project: 'cups', source: 'test', externalId: 'a/1', revision: 1, image, provenance: 'drawn', masks: [mask] };
    const options = { method: 'auto', strategy: 'feature-average', samples: 3, seed: 1, threshold: 0.4, instances: true, grow: false };
    const predict = { project: 'cups', image, labels: ['cup'], options, format: 'polygon', tolerance: 1.5, remember: false };
    const put = (path: string, body: Json, method = 'POST'): Seed => ({ method, path, body });
    const seeds = [
      ...[put('/v1/annotations', annotation), ...shapes.map((one) => put('/v1/annotations', { ...annotation, masks: [one] }))],
      ...[put('/v1/predict', predict), put('/v1/predict', { ...predict, references: [{ image, box: [1, 2, 10, 12] }] })],
      put('/v1/refine', { project: 'cups', image, points: [[3, 4]], negative: [[1, 1]], box: [1, 1, 9, 9], format: 'rle' }), // prettier-ignore
      put('/v1/jobs', { project: 'cups', images: [image, image], callback: { url: 'http://127.0.0.1:1/told', events: 'each' } }),
      put('/v1/projects/cups/train', {}),
      put('/v1/projects/cups/rollback', { reason: 'it was not steady' }),
      put('/v1/versions/v1/promote', { project: 'cups', reason: 'steadier' }),
    ];
    return trying(server, seeds, { authorization: `Bearer ${TOKENS.admin}` });
  },
};

export const LABEL_STUDIO: FuzzTarget = {
  name: 'Label Studio',
  about: 'setup, predict and webhook, as a real one sent them',
  perProcess: PER_PROCESS,
  async open() {
    const backend = await startBackend({ service: fakeService({ labels: ['car'] }), guard: { anonymous: 'admin' } });
    const recorded = traffic()
      .flatMap(({ requests }) => requests)
      .filter(({ method, body }) => method === 'POST' && typeof body === 'object' && body !== null)
      .filter(({ body }) => JSON.stringify(body).length < 100_000)
      .map(({ path, body }) => ({ method: 'POST', path: `/label-studio${path}`, body: body as Json }));
    const setup: Json = {
      project: '1.1795365113',
      schema: CONFIG,
      hostname: 'http://127.0.0.1:9',
      access_token: 'a'.repeat(40),
      extra_params: null,
    };
    return trying(backend, [...recorded, { method: 'POST', path: '/label-studio/setup', body: setup }]);
  },
};

export const CVAT: FuzzTarget = {
  name: 'CVAT',
  about: 'calls of detector, interactor and tracker',
  perProcess: PER_PROCESS,
  async open() {
    const facade = await startFacade({ service: exactService({ labels: ['cat'] }) });
    const bytes = await picture();
    await label(facade.service, 'animals', ['cat'], bytes);
    const image = bytes.toString('base64');
    const call = (name: string, body: Json): Seed => ({
      ...{ method: 'POST', path: '/api/function_invocations', body },
      headers: { 'x-nuclio-function-name': name, 'x-nuclio-path': '/' },
    });
    const { width, height } = PNG;
    const shape = (type: string, points: number[]): Json => ({ image, shapes: [{ type, points }], states: [] });
    const seeds = [
      call('prosam-animals', { image, threshold: 0.5, mapping: {} }),
      call('prosam-click', { image, pos_points: [[3, 4]], neg_points: [[9, 9]], obj_bbox: [[1, 1], [12, 12]] }), // prettier-ignore
      call('prosam-track', shape('rectangle', [1, 1, 12, 12])),
      call('prosam-track', shape('polygon', [1, 1, 12, 1, 12, 12])),
      call('prosam-track', shape('mask', [4, 8, 20, 2, 3, 10, 6])),
      call('prosam-track', { image, shapes: [], states: [{ id: 'a', key: 'b' }], width, height }),
    ];
    return trying(facade, seeds);
  },
};
