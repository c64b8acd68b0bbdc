/** One step of a track over HTTP: each field handed on, the answer in the promised form, and everything a client may get wrong. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { trackResponse } from '../../../../src/adapters/webhook/responses.ts';
import { ProsamError } from '../../../../src/core/common/errors.ts';
import { maskFromCocoRle } from '../../../../src/core/mask/rle.ts';
import type { ServiceTrackRequest } from '../../../../src/service/types.ts';
import { roundMask } from '../fake-masks.ts';
import { pngOf, startServer, TOKENS, type TestServer } from './webhook-server.ts';

let server: TestServer;
let frames: Buffer[];
beforeAll(async () => {
  frames = await Promise.all([1, 2, 3].map((seed) => pngOf(seed)));
  server = await startServer();
});
afterAll(() => server.close());
beforeEach(() => {
  server.service.state.calls.length = 0;
  server.service.state.before = () => undefined;
});

const frame = (i: number) => ({ base64: (frames[i] as Buffer).toString('base64') });
const good = () => ({ project: 'cups', image: frame(1), first: { image: frame(0), box: [5, 5, 20, 20] } });
const track = (body: unknown, token?: string) => server.call('POST', '/v1/track', body, token);
const lastRequest = () => server.service.state.calls.at(-1)?.args as ServiceTrackRequest;

describe('POST /v1/track', () => {
  it('responds with the mask, the box and the state of the next step, which it takes back as it is', async () => {
    const first = await track(good());
    expect(first.status, first.text).toBe(200);
    const step = trackResponse.parse(first.json);
    expect(step).toMatchObject({ found: true, trust: 0.9, width: 40, height: 30, boxXyxy: [1, 2, 3, 4] });
    const mask = maskFromCocoRle(step.rle ?? expect.fail('no rle'));
    expect(mask.data).toEqual(roundMask({ width: 40, height: 30 }, 0.3).data);
    expect(lastRequest()).toMatchObject({ project: 'cups', client: 'admin', first: { box: [5, 5, 20, 20] } });
    expect(Object.keys(lastRequest()).sort()).toEqual(['client', 'first', 'image', 'project']);

    const recent = { image: frame(1), rle: step.rle };
    const second = await track({ ...good(), image: frame(2), recent, state: step.state, format: 'polygon' });
    expect(second.status, second.text).toBe(200);
    expect(trackResponse.parse(second.json).polygons).toHaveLength(1);
    const { image, first: marked, recent: later, state } = lastRequest();
    const sent = [image, marked.image, later?.image] as Uint8Array[];
    expect(sent.map((one) => frames.findIndex((bytes) => bytes.equals(one)))).toEqual([2, 0, 1]);
    expect(later).toMatchObject({ rle: step.rle });
    expect(state).toEqual(step.state);
  });

  it('refuses a state that no step gave', async () => {
    const { state } = trackResponse.parse((await track(good())).json);
    const calls = server.service.state.calls.length;
    const wrong: [string, unknown][] = [
      ['state', 'later'],
      ['state', null],
      ['state', {}],
      ['state.pose.x', { ...state, pose: { ...state.pose, x: 1e7 } }],
      ['state.pose.scale', { ...state, pose: { ...state.pose, scale: 0 } }],
      ['state.seen.angle', { ...state, seen: { ...state.seen, angle: '0' } }],
      ['state.seen', { ...state, seen: { x: 1, y: 1 } }],
      ['state.motion.growth', { ...state, motion: { ...state.motion, growth: 1000 } }],
      ['state.lost', { ...state, lost: 1001 }],
      ['state.lost', { ...state, lost: 0.5 }],
      ['state', { ...state, more: 1 }],
    ];
    for (const [name, one] of wrong) {
      const { status, json } = await track({ ...good(), state: one });
      const { error } = json as { error: { code: string; message: string } };
      expect([status, error.code], JSON.stringify(one)).toEqual([400, 'REQUEST_INVALID']);
      expect(error.message).toContain(name);
    }
    expect(server.service.state.calls).toHaveLength(calls);
  });

  it('needs a frame, the first frame and one annotation in it, and says which image is not there', async () => {
    const { project, image, first } = good();
    const unmarked = { image: first.image };
    const nowhere = { sha256: 'a'.repeat(64) };
    const cases: [object, number, string][] = [
      [{ project, first }, 400, 'REQUEST_INVALID'],
      [{ project, image }, 400, 'REQUEST_INVALID'],
      [{ project, image, first: unmarked }, 400, 'REQUEST_INVALID'],
      [{ project, image, first: { ...first, points: [[1, 1]] } }, 400, 'REQUEST_INVALID'],
      [{ project, image: { file: 'frame' }, first }, 400, 'REQUEST_INVALID'],
      [{ project, image: nowhere, first }, 404, 'IMAGE_UNKNOWN'],
    ];
    for (const [body, status, code] of cases) {
      const response = await track(body);
      expect([response.status, (response.json as { error: { code: string } }).error.code], response.text).toEqual([status, code]);
    }
  });

  it('takes frames and masks as parts of a multipart body', async () => {
    const form = new FormData();
    const first = { image: { file: 'zero' }, mask: { file: 'mask' } };
    form.set('request', JSON.stringify({ project: 'cups', image: { file: 'one' }, first }));
    form.set('zero', new Blob([frames[0] as Buffer]), 'zero.png');
    form.set('one', new Blob([frames[1] as Buffer]), 'one.png');
    form.set('mask', new Blob(['the mask']), 'mask.png');
    const { status, text } = await track(form);
    expect(status, text).toBe(200);
    expect(Buffer.from((lastRequest().first as { mask: Uint8Array }).mask).toString()).toBe('the mask');
  });

  it('passes on what the service refuses, and asks for write access to the project', async () => {
    server.service.state.before = () => {
      throw new ProsamError('MASK_SIZE_MISMATCH', 'expected 40 x 30 pixels, got 20 x 20. Make it the size of the image.');
    };
    const { status, json } = await track(good());
    expect([status, (json as { error: { code: string } }).error.code]).toEqual([422, 'MASK_SIZE_MISMATCH']);
    server.service.state.before = () => undefined;
    const other = { ...good(), project: 'dogs' };
    expect((await track(other, TOKENS.reader)).status).toBe(403);
    expect((await track(other, TOKENS.cups)).status).toBe(403);
    expect((await track(other, TOKENS.writer)).status).toBe(200);
  });
});
