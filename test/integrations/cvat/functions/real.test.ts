/** The whole service with the built-in model behind the ports that CVAT asks. */
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer as createTcpServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cvatRleFromMaskSync, maskFromCvatRle } from '../../../../src/core/mask/cvat-rle.ts';
import { detectorName, INTERACTOR, TRACKER } from '../../../../src/adapters/cvat/names.ts';
import { silentLog } from '../../../../src/service/ports/log.ts';
import { createServer, type ProsamServer } from '../../../../src/server/create-server.ts';
import { conceptMask, generateScene } from '../../../../src/scenes/index.ts';
import { drawnByBrowser, type InteractorResponse } from './as-cvat-draws.ts';
import { asCvatReads } from './as-cvat-reads.ts';
import { invoke, send } from './facade-server.ts';

const PROJECT = 'discs';
const CONCEPT = 0;
const SIDE = 192;
const DETECTOR = detectorName(PROJECT);
let folder: string;
let prosam: ProsamServer;
let url: string;
let port: number;

/** The first of four free ports, below those that the system gives to clients. */
async function freePorts(): Promise<number> {
  for (;;) {
    const first = 20_000 + Math.floor(10_000 * Math.random());
    const servers = Array.from({ length: 4 }, (_, i) => createTcpServer().listen(first + i, '127.0.0.1'));
    const listening = servers.map((server) =>
      once(server, 'listening').then(
        () => true,
        () => false,
      ),
    );
    const free = (await Promise.all(listening)).every(Boolean);
    for (const server of servers) server.close();
    if (free) return first;
  }
}

async function start(): Promise<void> {
  prosam = await createServer({
    ...{ model: 'tiny', port: 0, database: join(folder, 'p.db'), objects: join(folder, 'blobs'), cache: '', threads: 1 },
    cvat: { port, functionPorts: { first: port + 1, count: 10 }, portsFile: join(folder, 'ports.json') },
    learner: { run: 'off' },
    labelStudio: { enabled: false },
    environment: {},
    logger: silentLog,
  });
  await prosam.listen();
  url = `http://127.0.0.1:${port}`;
}

/** A scene that shows the concept, as CVAT sends it, and where the concept is. */
async function scene(seed: number, shift = 0): Promise<{ png: Buffer; mask: Uint8Array }> {
  // A part of a larger scene, so that the next frame can be a few pixels on.
  const large = generateScene(seed, { size: SIDE + 16, force: [CONCEPT] });
  const whole = conceptMask(large, CONCEPT);
  const made = { image: new Uint8Array(3 * SIDE * SIDE) };
  const mask = new Uint8Array(SIDE * SIDE);
  for (let y = 0; y < SIDE; y++) {
    const from = (y + shift) * (SIDE + 16) + shift;
    made.image.set(large.image.subarray(3 * from, 3 * (from + SIDE)), 3 * y * SIDE);
    mask.set(whole.subarray(from, from + SIDE), y * SIDE);
  }
  const png = await sharp(made.image, { raw: { width: SIDE, height: SIDE, channels: 3 } })
    .png()
    .toBuffer();
  return { png, mask };
}

function iou(a: Uint8Array, b: Uint8Array): number {
  let [both, any] = [0, 0];
  a.forEach((value, i) => {
    both += value & (b[i] as number);
    any += value | (b[i] as number);
  });
  return any === 0 ? 1 : both / any;
}

/** A pixel well inside: the one with most of the mask around it. */
function middleOf(mask: Uint8Array): [number, number] {
  let best: [number, number] = [0, 0];
  let most = -1;
  for (let y = 8; y < SIDE - 8; y += 2) {
    for (let x = 8; x < SIDE - 8; x += 2) {
      let inside = 0;
      for (let dy = -8; dy <= 8; dy += 4) for (let dx = -8; dx <= 8; dx += 4) inside += mask[(y + dy) * SIDE + x + dx] as number;
      if (inside > most) [best, most] = [[x, y], inside];
    }
  }
  return best;
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'prosam-cvat-'));
  port = await freePorts();
  await start();
});
afterAll(async () => {
  await prosam.close();
  rmSync(folder, { recursive: true, force: true });
});

describe('with the built-in model', () => {
  it('opens a port that CVAT takes for Nuclio, and one for each function', async () => {
    const list = asCvatReads((await send(`${url}/api/functions`, 'GET')).json());
    expect(list.map(({ id }) => id)).toEqual([INTERACTOR, TRACKER]);
    const { png } = await scene(1);
    const body = JSON.stringify({ image: png.toString('base64'), pos_points: [[90, 90]], neg_points: [], obj_bbox: [] });
    const entry = (await send(`${url}/api/functions/${INTERACTOR}`, 'GET')).json() as { status: { httpPort: number } };
    const direct = `http://127.0.0.1:${entry.status.httpPort}/`;
    const headers = { 'content-type': 'application/json', host: `host.docker.internal:${entry.status.httpPort}` };
    const response = await send(direct, 'POST', headers, body);
    expect(response.status).toBe(200);
    // Nothing tells which version of CVAT this is.
    expect(Object.keys(response.json() as object)).toEqual(['mask', 'points', 'shapes']);
    // The same at the service's own port, below /cvat.
    const mounted = await prosam.listen();
    expect((await invoke(`${mounted}/cvat`, INTERACTOR, JSON.parse(body))).json()).toEqual(response.json());
  });

  it('draws the mask of a click in every version where the service says it is', async () => {
    const { png, mask } = await scene(3);
    const [x, y] = middleOf(mask);
    const [truth] = (await prosam.service.predictions.refine({ project: 'any', image: png, prompts: { points: [{ x, y }] } })).masks;
    const body = JSON.stringify({ image: png.toString('base64'), pos_points: [[x, y]], neg_points: [], obj_bbox: [] });
    for (const version of ['2.15.0', '2.54.1', '2.64.1', '2.73.0']) {
      for (const agent of [{ 'user-agent': `CVAT/${version} python-requests/2.32.4` }, {}]) {
        const headers = { 'content-type': 'application/json', 'x-nuclio-function-name': INTERACTOR, ...agent };
        const response = await send(`${url}/api/function_invocations`, 'POST', headers, body);
        const drawn = drawnByBrowser(response.json() as InteractorResponse, version, { width: SIDE, height: SIDE });
        expect(iou(drawn.data, truth?.mask.data ?? new Uint8Array(0))).toBe(1);
      }
    }
    expect(truth?.area).toBeGreaterThan(0);
  });

  it('finds the labelled concept in another frame, by itself and as a whole', async () => {
    const reference = await scene(11);
    const mask = { data: reference.mask, width: SIDE, height: SIDE };
    await prosam.service.annotations.accept({
      ...{ project: PROJECT, source: 'test', externalId: 'one', revision: 1, image: reference.png, provenance: 'drawn' },
      masks: [{ label: 'disc', mask }],
    });
    await new Promise((resolve) => setTimeout(resolve, 2100));
    expect(asCvatReads((await send(`${url}/api/functions`, 'GET')).json()).map(({ id }) => id)).toContain(DETECTOR);
    const target = await scene(11, 6);
    const found = (await invoke(url, DETECTOR, { image: target.png.toString('base64') })).json() as { label: string; mask: number[] }[];
    expect(found.map(({ label }) => label)).toEqual(['disc']);
    const [left, top, right] = found[0]?.mask.slice(-4) as [number, number, number, number];
    const data = new Uint8Array(SIDE * SIDE);
    found[0]?.mask.slice(0, -4).forEach((value, i) => {
      data[(top + Math.floor(i / (right - left + 1))) * SIDE + left + (i % (right - left + 1))] = value;
    });
    // What the service itself says, pixel by pixel, and about where the concept is.
    const [own] = (await prosam.service.predictions.predict({ project: PROJECT, image: target.png })).masks;
    expect(iou(data, own?.mask.data ?? new Uint8Array(0))).toBe(1);
    expect(iou(data, target.mask)).toBeGreaterThan(0.5);
  });

  it('follows an object from frame to frame', async () => {
    const [first, second] = [await scene(11), await scene(11, 6)];
    const points = cvatRleFromMaskSync({ data: first.mask, width: SIDE, height: SIDE });
    const shapes = [{ type: 'mask', points }];
    const { states } = (await invoke(url, TRACKER, { image: first.png.toString('base64'), shapes, states: [] })).json() as {
      states: unknown[];
    };
    const next = await invoke(url, TRACKER, { image: second.png.toString('base64'), shapes: [null], states });
    expect(next.status).toBe(200);
    const [shape] = (next.json() as { shapes: ({ type: string; points: number[] } | null)[] }).shapes;
    const mask = maskFromCvatRle(shape?.points ?? [], SIDE, SIDE);
    // One of several like objects, perhaps: what is found belongs to the concept.
    const inside = mask.data.reduce((sum, value, i) => sum + (value & (second.mask[i] as number)), 0);
    expect(inside / mask.data.reduce((sum, value) => sum + value, 0)).toBeGreaterThan(0.5);
  });

  it('answers eight clicks at once, and a click in a frame that was fetched before', async () => {
    const { png, mask } = await scene(21);
    const image = png.toString('base64');
    await prosam.service.predictions.prepare({ project: PROJECT, image: png });
    expect((await invoke(url, INTERACTOR, { image, pos_points: [middleOf(mask)], neg_points: [], obj_bbox: [] })).status).toBe(200);
    const fresh = await scene(22);
    const clicks = Array.from({ length: 8 }, (_, i) =>
      invoke(url, INTERACTOR, { image: fresh.png.toString('base64'), pos_points: [[20 * i + 10, 90]], neg_points: [], obj_bbox: [] }),
    );
    const responses = await Promise.all(clicks);
    expect(responses.map(({ status }) => status)).toEqual(Array.from({ length: 8 }, () => 200));
    for (const response of responses) expect((response.json() as { mask: number[][] }).mask).toHaveLength(SIDE);
  });

  it.each([
    ['a picture of 108 megapixels', () => blank(12_000, 9000, 'png'), 413, /at most 100000000 pixels, got 12000 x 9000/],
    ['a picture cut off in the middle', async () => (await scene(1)).png.subarray(0, 20_000), 422, /JPEG, PNG/],
  ] as const)(
    'explains %s',
    async (_, make, status, reason) => {
      const image = Buffer.from(await make()).toString('base64');
      const response = await invoke(url, INTERACTOR, { image, pos_points: [[5, 5]], neg_points: [], obj_bbox: [] });
      expect(response).toMatchObject({ status, reason: expect.stringMatching(reason) as string });
      const tracked = await invoke(url, TRACKER, { image, shapes: [[5, 5, 20, 20]], states: [] });
      if (status === 413) expect(tracked.status).toBe(413);
      expect((await invoke(url, DETECTOR, { image })).status).toBe(status);
    },
    30_000,
  );

  it('reads a TIFF of 16 bits a channel', async () => {
    const { data, info } = await sharp((await scene(12)).png)
      .toColourspace('rgb16')
      .raw({ depth: 'ushort' })
      .toBuffer({ resolveWithObject: true });
    const raw = { width: info.width, height: info.height, channels: 3 as const, depth: 'ushort' as const };
    const tiff = await sharp(new Uint16Array(data.buffer, data.byteOffset, data.byteLength / 2), { raw })
      .toColourspace('rgb16')
      .tiff()
      .toBuffer();
    const response = await invoke(url, DETECTOR, { image: tiff.toString('base64') });
    expect(response).toMatchObject({ status: 200 });
    expect(response.json() as unknown[]).toHaveLength(1);
  });

  it('refuses names in the Host header that nobody configured', async () => {
    const response = await send(`${url}/api/functions`, 'GET', { host: 'elsewhere.test' });
    expect(response).toMatchObject({ status: 403, reason: expect.stringMatching(/Host header/) as string });
  });

  it.each([
    [
      'where others can reach it and nobody said who may',
      { host: '0.0.0.0' },
      /cvat\.allowFrom: expected the addresses or networks CVAT calls from/,
    ],
    ['with an address that is none', { host: '0.0.0.0', allowFrom: ['10.0.0.300/8'] }, /cvat\.allowFrom: expected addresses or networks/],
    [
      'with a webhook secret and no CVAT to read from',
      { webhook: { secret: 'long-enough' } },
      /Learning from CVAT needs its address and a token/,
    ],
  ])('does not begin %s', async (_, changes, message) => {
    const config = { database: join(folder, 'other.db'), objects: join(folder, 'other'), cache: '', learner: { run: 'off' as const } };
    const created = createServer({
      ...config,
      model: 'tiny',
      port: 0,
      cvat: { port: port + 3, portsFile: '', ...changes },
      environment: {},
      logger: silentLog,
    });
    await expect(created).rejects.toThrow(message);
  });

  it('keeps the ports of its functions over a restart', async () => {
    const ports = async () => {
      const list = (await send(`${url}/api/functions`, 'GET')).json() as Record<string, { status: { httpPort: number } }>;
      return Object.fromEntries(Object.entries(list).map(([name, { status }]) => [name, status.httpPort]));
    };
    const before = await ports();
    expect(new Set(Object.values(before)).size).toBe(3);
    await prosam.close();
    await start();
    expect(await ports()).toEqual(before);
    const body = JSON.stringify({ image: (await scene(12)).png.toString('base64') });
    const response = await send(`http://127.0.0.1:${before[DETECTOR]}/`, 'POST', { 'content-type': 'application/json' }, body);
    expect((response.json() as { label: string }[]).map(({ label }) => label)).toEqual(['disc']);
  });
});

function blank(width: number, height: number, format: 'png'): Promise<Buffer> {
  return sharp({ create: { width, height, channels: 3, background: '#777' }, limitInputPixels: false })
    .toFormat(format, { compressionLevel: 1 })
    .toBuffer();
}
