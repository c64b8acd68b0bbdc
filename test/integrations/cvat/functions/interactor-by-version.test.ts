/** Every answer of the interactor, put through CVAT's own rules: it is drawn exactly where the mask is, in every version. */
import { hash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { INTERACTOR } from '../../../../src/adapters/cvat/names.ts';
import type { BinaryMask } from '../../../../src/core/mask/label-reduction.ts';
import { drawnByBrowser, minorOf, pastedByServer, type InteractorResponse, type Roi } from './as-cvat-draws.ts';
import { painted } from './painted-service.ts';
import {
  CALLERS,
  CALLERS_AND_ROIS,
  cut,
  difference,
  H,
  maskOf,
  MASKS,
  pixelIn,
  PROJECT,
  ROIS,
  sent,
  SIZE,
  startPainted,
  W,
  where,
  type Way,
} from './version-matrix.ts';

let server: Awaited<ReturnType<typeof startPainted>>;
beforeAll(async () => {
  server = await startPainted();
});
afterAll(() => server.close());

interface Prompts {
  pos_points: number[][];
  neg_points: number[][];
  box?: number[][];
}

/** As a user clicks: what CVAT's server sends, and what its browser draws in the end. */
async function clicked(
  mask: BinaryMask,
  { pos_points, neg_points, box }: Prompts,
  [userAgent, version, roi]: readonly [string | undefined, string, (Roi | undefined)?],
  way: Way = 'dashboard',
): Promise<BinaryMask> {
  const [dx, dy] = roi ?? [0, 0];
  const moved = (points: number[][]) => points.map(([x = 0, y = 0]) => [x - dx, y - dy]);
  const minor = minorOf(version);
  const body = {
    image: await sent(mask, roi),
    ...{ pos_points: moved(pos_points), neg_points: moved(neg_points) },
    obj_bbox: box ? moved(box) : minor < 2016 ? null : [],
    ...(minor >= 2060 && { text_prompts: [] }),
  };
  const response = await server.call(INTERACTOR, userAgent, body, way);
  expect(response.status, response.reason).toBe(200);
  const json = response.json() as InteractorResponse;
  return drawnByBrowser(roi ? pastedByServer(json, roi, SIZE) : json, version, SIZE);
}

describe('what an interactor finds is drawn where it is', () => {
  it.each(CALLERS_AND_ROIS)('%s, in the browser of %s, in the region %j', async (...caller) => {
    const [, version, roi] = caller;
    for (const [name, mask] of Object.entries(MASKS)) {
      const truth = cut(mask, roi);
      const [x, y] = pixelIn(truth, roi);
      const [left, top, right, bottom] = roi ?? [0, 0, W, H];
      const box = [
        [left + 1, top + 1],
        [right - 1, bottom - 1],
      ];
      const prompts: Prompts[] = [{ pos_points: [[x + 0.5, y + 0.5]], neg_points: [] }];
      // Whatever was clicked, the same is found here.
      if (name === 'a ring') prompts.push({ pos_points: [[x, y]], neg_points: [[right - 1, bottom - 1]] });
      if (name === 'a ring' && minorOf(version) >= 2016)
        prompts.push({ pos_points: [], neg_points: [], box }, { pos_points: [[x, y]], neg_points: [[left, top]], box });
      for (const one of prompts) expect(difference(await clicked(mask, one, caller), truth), name).toBe('none');
    }
  });

  it.each(CALLERS)('%s, in the browser of %s, called directly', async (...caller) => {
    for (const [name, mask] of Object.entries(MASKS))
      expect(difference(await clicked(mask, { pos_points: [pixelIn(mask)], neg_points: [] }, caller, 'direct'), mask), name).toBe('none');
  });

  it('at [82,130,145,209], not in the upper left corner', async () => {
    const mask = maskOf('an ellipse in [82,130,145,209]');
    const body = { image: await sent(mask), pos_points: [[110, 170]], neg_points: [], obj_bbox: [] };
    const response = (await server.call(INTERACTOR, 'CVAT/2.73.0 python-requests/2.32.4', body)).json() as {
      shapes: { points: number[] }[];
    };
    expect(Object.keys(response)).toEqual(['shapes']);
    expect(response.shapes[0]?.points.slice(-4)).toEqual([82, 130, 145, 209]);
  });

  it('and nothing is an answer that every version takes', async () => {
    const image = await sent(maskOf('nothing'));
    const body = { image, pos_points: [[5, 5]], neg_points: [], obj_bbox: [] };
    const answered = async (userAgent?: string) => (await server.call(INTERACTOR, userAgent, body)).json();
    expect(await answered('CVAT/2.73.0')).toEqual({ shapes: [] });
    expect(await answered('CVAT/2.54.1')).toEqual({ mask: [[0]], bounds: [0, 0, 0, 0], points: [] });
    expect(await answered()).toEqual({ mask: Array.from({ length: H }, () => new Array<number>(W).fill(0)), points: [], shapes: [] });
  });

  it('without the help of what is known of the whole frame, or of another one', async () => {
    const mask = where((x, y) => Math.abs(Math.hypot(x - 110, y - 140) - 40) < 9);
    const click = { pos_points: [pixelIn(mask)], neg_points: [] };
    const user = 'CVAT/2.73.0 python-requests/2.32.4';
    server.facade.adapter.frames.add(hash('sha256', await painted(mask)), {
      server: 'https://cvat.test',
      task: 8,
      frame: 3,
      project: PROJECT,
    });
    await clicked(mask, click, [user, '2.73.0']);
    const calls = server.facade.service.state.calls;
    const before = calls.length;
    // The service refuses what was found in one image as a help in another.
    for (const roi of [ROIS[1], ROIS[2]])
      await clicked(mask, { pos_points: [pixelIn(cut(mask, roi))], neg_points: [] }, [user, '2.73.0', roi]);
    const asked = calls.slice(before);
    expect(asked.filter(({ name }) => name === 'predictions.predict').map(({ args }) => args as object)).toEqual([
      expect.objectContaining({ remember: false }),
      expect.objectContaining({ remember: false }),
    ]);
    for (const { name, args } of asked) if (name === 'predictions.predict') expect(args).not.toHaveProperty('externalId');
  });
});

describe('the rules themselves', () => {
  it('put what used to be answered into the corner, and refuse it in a region', () => {
    const mask = maskOf('an ellipse in [82,130,145,209]');
    const rows = Array.from({ length: 80 }, (_, y) => [...mask.data.subarray((130 + y) * W + 82, (130 + y) * W + 146)]);
    const old = { mask: rows, bounds: [82, 130, 145, 209], points: [[82, 130]] };
    expect(difference(drawnByBrowser(old, '2.54.1', SIZE), mask)).toBe('none');
    const corner = where((x, y) => x < 64 && y < 80 && rows[y]?.[x] === 1);
    expect(difference(drawnByBrowser(old, '2.73.0', SIZE), corner)).toBe('none');
    expect(() => pastedByServer(old, [40, 60, 180, 220], SIZE)).toThrow(/could not broadcast/);
  });
});
