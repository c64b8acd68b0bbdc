/** What real CVAT servers sent to Nuclio, sent to the adapter. */
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { cvatRleFromMaskSync, maskFromCvatRle } from '../../../../src/core/mask/cvat-rle.ts';
import { INTERACTOR, TRACKER } from '../../../../src/adapters/cvat/names.ts';
import { createGuard } from '../../../../src/adapters/http/guard.ts';
import { createHttpApp } from '../../../../src/adapters/http/http-app.ts';
import { listen } from '../../../../src/adapters/http/listen.ts';
import { asCvatReads } from './as-cvat-reads.ts';
import { exactService, invoke, send, startFacade } from './facade-server.ts';
import { bodyOf, traffic, type Recorded } from './traffic.ts';
import { DETECTOR, facadeBench } from './facade-bench.ts';

const bench = facadeBench();
const { labelled } = bench;

async function replay(recorded: Recorded, name: string): Promise<Awaited<ReturnType<typeof send>>> {
  const { request } = recorded;
  const headers: Record<string, string> = { ...request.headers, 'x-nuclio-function-name': name, 'content-type': 'application/json' };
  delete headers['Content-Length'];
  delete headers['Host'];
  delete headers['Content-Type'];
  const body = request.body === null ? undefined : JSON.stringify(await bodyOf(recorded));
  return send(`${bench.facade.url}${request.path}`, request.method, headers, body);
}

interface DetectedMask {
  label: string;
  type: string;
  confidence: string;
  points?: number[];
  mask: number[];
}

/** As CVAT turns a bitmap and its box into what it stores. */
function storedBy({ mask: list }: DetectedMask, width: number, height: number): number[] {
  const [left, top, right, bottom] = list.slice(-4) as [number, number, number, number];
  const columns = right - left + 1;
  const data = new Uint8Array(width * height);
  list.slice(0, -4).forEach((value, i) => (data[(top + Math.floor(i / columns)) * width + left + (i % columns)] = value));
  expect(list.length - 4).toBe(columns * (bottom - top + 1));
  return cvatRleFromMaskSync({ data, width, height });
}

describe('recorded requests', () => {
  it('lists functions that CVAT can read', async () => {
    await labelled();
    const response = await replay(traffic('nuclio_254_list'), '');
    expect(response.status).toBe(200);
    const functions = asCvatReads(response.json());
    expect(functions.map(({ id, kind }) => [id, kind])).toEqual([
      [DETECTOR, 'detector'],
      [INTERACTOR, 'interactor'],
      [TRACKER, 'tracker'],
    ]);
    expect(functions[0]?.labels).toEqual([
      { id: 0, name: 'cat', type: 'mask', attributes: [] },
      { id: 1, name: 'dog', type: 'mask', attributes: [] },
    ]);
    expect(functions[2]?.shapes).toEqual(['mask', 'polygon', 'rectangle']);
    // The keys of the recorded entry that CVAT reads are all there.
    const [entry] = Object.values((traffic<Recorded>('nuclio_254_list').response.body ?? {}) as Record<string, { metadata: object }>);
    const [own] = Object.values(response.json() as Record<string, { metadata: object }>);
    expect(Object.keys(own?.metadata ?? {})).toEqual(Object.keys(entry?.metadata ?? {}));
  });

  it('gives one function as it stands in the list, and says of an unknown one that it is', async () => {
    await labelled();
    const list = (await send(`${bench.facade.url}/api/functions`, 'GET')).json() as Record<string, unknown>;
    const one = await send(`${bench.facade.url}/api/functions/${DETECTOR}`, 'GET');
    expect(one.json()).toEqual(list[DETECTOR]);
    const unknown = await replay(traffic('nuclio_254_get_unknown'), '');
    expect(unknown).toMatchObject({ status: 404, reason: expect.stringMatching(/^There is no function "nope" here\. Reload/) as string });
  });

  it.each(['nuclio_254_detector_plain', 'nuclio_254_detector_threshold', 'nuclio_215_detector'])('answers %s', async (name) => {
    await labelled();
    const recorded = traffic<Recorded>(name);
    const response = await replay(recorded, DETECTOR);
    expect(response.status).toBe(200);
    const found = response.json() as DetectedMask[];
    expect(found.map(({ label, type }) => [label, type])).toEqual([
      ['cat', 'mask'],
      ['dog', 'mask'],
    ]);
    const [width, height] = recorded.request.image_facts.image?.size ?? [0, 0];
    for (const one of found) {
      const points = storedBy(one, width, height);
      const mask = maskFromCvatRle(points, width, height);
      // The fake service paints discs in the middle.
      expect(mask.data[Math.floor(height / 2) * width + Math.floor(width / 2)]).toBe(1);
      expect(mask.data[0]).toBe(0);
      expect(one.points?.length).toBeGreaterThanOrEqual(6);
      expect(Number(one.confidence)).toBeCloseTo(0.8);
    }
  });

  it('leaves out what a threshold asks to leave out, and what has no pixel', async () => {
    await labelled();
    const image = bench.picture.toString('base64');
    expect((await invoke(bench.facade.url, DETECTOR, { image, threshold: 0.91 })).json()).toEqual([]);
    expect((await invoke(bench.facade.url, DETECTOR, { image, threshold: 0.9 })).json()).toHaveLength(2);
    const tiny = await sharp({ create: { width: 1, height: 1, channels: 3, background: '#fff' } })
      .png()
      .toBuffer();
    const response = (await invoke(bench.facade.url, DETECTOR, { image: tiny.toString('base64') })).json() as DetectedMask[];
    for (const one of response) expect(one.points === undefined || one.points.length >= 6).toBe(true);
  });

  it('answers a direct call on the port of the function', async () => {
    await labelled();
    const recorded = traffic<Recorded>('nuclio_254_direct_detector');
    expect(Object.keys(recorded.request.headers).filter((name) => name.startsWith('x-nuclio'))).toEqual([]);
    await bench.facade.close();
    const seen: string[] = [];
    let number = 20_000;
    const service = bench.facade.service;
    bench.facade = await startFacade({
      service,
      ports: { portOf: () => number++ },
      open: (listeners) => {
        seen.push(...listeners.map(({ name }) => name));
        return Promise.resolve();
      },
    });
    const direct = (await bench.facade.adapter.listeners()).find(({ name }) => name === DETECTOR);
    const app = createHttpApp({ guard: createGuard({ anonymous: 'write' }) });
    app.mount('/', direct?.routes ?? []);
    const server = await listen(app, { host: '127.0.0.1', port: 0 });
    try {
      const headers = { 'content-type': 'application/json' };
      const response = await send(`${server.url}/`, 'POST', headers, JSON.stringify(await bodyOf(recorded)));
      expect(response.status).toBe(200);
      expect((response.json() as DetectedMask[]).map((one) => one.label)).toEqual(['cat', 'dog']);
      await send(`${bench.facade.url}/api/functions`, 'GET');
      expect(seen).toContain(DETECTOR);
    } finally {
      await server.close({ deadlineMs: 500 });
    }
  });

  it.each(['nuclio_254_interactor_point', 'nuclio_254_interactor_box', 'nuclio_215_interactor_point'])('answers %s', async (name) => {
    await labelled();
    const recorded = traffic<Recorded>(name);
    const response = await replay(recorded, INTERACTOR);
    expect(response.status).toBe(200);
    const { mask, bounds, points } = response.json() as { mask: number[][]; bounds: number[]; points: number[][] };
    const [left, top, right, bottom] = bounds as [number, number, number, number];
    expect([mask[0]?.length, mask.length]).toEqual([right - left + 1, bottom - top + 1]);
    expect(mask.flat().every((value) => value === 0 || value === 1)).toBe(true);
    expect(points.length).toBeGreaterThan(2);
    for (const point of points) expect(point).toHaveLength(2);
  });

  it('explains an empty question in the reason phrase, which is all that CVAT shows', async () => {
    await labelled();
    const response = await replay(traffic('nuclio_254_interactor_error'), INTERACTOR);
    expect(response.status).toBe(400);
    expect(response.reason).toBe('At least one positive point or a box is needed. Click the object, or draw a box around it.');
  });

  it('answers an empty mask with what the browser needs to show nothing', async () => {
    const service = exactService();
    service.predictions.refine = () =>
      Promise.resolve({
        width: 64,
        height: 48,
        masks: [{ mask: { data: new Uint8Array(64 * 48), width: 64, height: 48 }, area: 0, samIou: 0, lowResLogits: new Float32Array(1) }],
      });
    await labelled(['cat'], { service });
    const response = await replay(traffic('nuclio_254_interactor_point'), INTERACTOR);
    expect(response.json()).toEqual({ mask: [[0]], bounds: [0, 0, 0, 0], points: [] });
  });

  it('follows masks from frame to frame with a short ticket', async () => {
    await labelled();
    const begun = await replay(traffic('nuclio_254_tracker_init'), TRACKER);
    expect(begun.status).toBe(200);
    const first = begun.json() as { shapes: { type: string; points: number[] }[]; states: { id: string; key: string }[] };
    expect(first.shapes).toEqual(traffic<Recorded>('nuclio_254_tracker_init').request.body?.['shapes']);
    expect(JSON.stringify(first.states[0]).length).toBeLessThan(100);
    const recorded = traffic<Recorded>('nuclio_254_tracker_track');
    const next = await invoke(bench.facade.url, TRACKER, { ...recorded.request.body, states: first.states });
    const second = next.json() as typeof first;
    expect(second.shapes[0]?.type).toBe('mask');
    expect(maskFromCvatRle(second.shapes[0]?.points ?? [], 64, 48).data[24 * 64 + 32]).toBe(1);
    // Earlier steps stay: somebody may go back.
    expect((await invoke(bench.facade.url, TRACKER, { ...recorded.request.body, states: first.states })).status).toBe(200);
    const forged = [{ ...first.states[0], key: 'AAAAAAAAAAAAAAAAAAAAAA' }];
    const refused = await invoke(bench.facade.url, TRACKER, { ...recorded.request.body, states: forged });
    expect(refused).toMatchObject({ status: 404, reason: expect.stringMatching(/^This track is not remembered here any more/) as string });
  });

  it('follows bare boxes as older versions send them, and what they passed through unchanged', async () => {
    await labelled();
    const begun = (await replay(traffic('nuclio_254_tracker_box_init'), TRACKER)).json() as { shapes: number[][]; states: unknown[] };
    expect(begun.shapes).toEqual([[12, 12, 32, 36]]);
    const recorded = traffic<Recorded>('nuclio_254_tracker_box_track');
    const next = (await invoke(bench.facade.url, TRACKER, { ...recorded.request.body, states: begun.states })).json() as {
      shapes: number[][];
    };
    expect(next.shapes[0]).toHaveLength(4);
    const typed = (await replay(traffic('nuclio_215_tracker_box_init'), TRACKER)).json() as { shapes: unknown[] };
    expect(typed.shapes).toEqual([{ type: 'rectangle', points: [60, 60, 160, 180] }]);
  });

  it('says of an object that is not there any more that it is not', async () => {
    const service = exactService();
    const found = service.predictions.track.bind(service.predictions);
    service.predictions.track = async (request, given) => {
      const { width, height, state, milliseconds } = await found(request, given);
      return { width, height, found: false, trust: 0.4, state, milliseconds };
    };
    await labelled(['cat'], { service });
    const image = bench.picture.toString('base64');
    for (const [shape, gone] of [
      [{ type: 'polygon', points: [5, 5, 20, 5, 20, 20] }, null],
      [
        [5, 5, 20, 20],
        [5, 5, 20, 20],
      ],
    ]) {
      const { states } = (await invoke(bench.facade.url, TRACKER, { image, shapes: [shape], states: [] })).json() as { states: unknown[] };
      const next = (await invoke(bench.facade.url, TRACKER, { image, shapes: [null], states })).json() as {
        shapes: unknown[];
        states: unknown[];
      };
      expect(next.shapes).toEqual([gone]);
      expect(next.states).toHaveLength(1);
    }
  });
});
