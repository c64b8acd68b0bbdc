/** Every answer of detectors and the tracker, put through CVAT's own rules: it is stored exactly where the mask is, in every version. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TRACKER } from '../../../../src/adapters/cvat/names.ts';
import { splitInstances } from '../../../../src/core/mask/instances.ts';
import type { BinaryMask } from '../../../../src/core/mask/label-reduction.ts';
import { blank, checkTracked, minorOf, pixelsOf, storedByServer } from './as-cvat-draws.ts';
import { send, startFacade } from './facade-server.ts';
import {
  CALLERS,
  cut,
  DETECTOR,
  difference,
  farInside,
  H,
  LABELS,
  maskOf,
  MASKS,
  ROIS,
  sent,
  SIZE,
  startPainted,
  W,
  where,
} from './version-matrix.ts';

let server: Awaited<ReturnType<typeof startPainted>>;
beforeAll(async () => {
  server = await startPainted();
});
afterAll(() => server.close());

describe('what a detector finds is stored where it is', () => {
  const roisOf = (version: string) => ROIS.filter((roi) => roi === undefined || minorOf(version) >= 2070);

  // Detectors answer all versions alike.
  const callers = CALLERS.filter(([userAgent, version]) => userAgent?.startsWith('CVAT/') === true || minorOf(version) === 2073);

  it.each(callers)('%s, on the server of %s', async (userAgent, version) => {
    for (const roi of roisOf(version)) {
      for (const [name, mask] of Object.entries(MASKS)) {
        const response = await server.call(DETECTOR, userAgent, { image: await sent(mask, roi), threshold: 0.1 });
        expect(response.status, response.reason).toBe(200);
        const truth = cut(mask, roi);
        const stored = storedByServer(response.json(), { labels: LABELS, ...(roi && { roi }) });
        expect(stored.map((one) => one.label)).toEqual(truth.data.includes(1) ? LABELS : []);
        for (const shape of stored) expect(difference(pixelsOf(shape, SIZE), truth), name).toBe('none');
        const [polygon] = storedByServer(response.json(), { labels: ['cat'], convMaskToPoly: true, ...(roi && { roi }) });
        expect(polygon?.type, name).toBe(truth.data.includes(1) ? 'polygon' : undefined);
        // The outline of the largest part, within a pixel. What a hole is it cannot say.
        const filled =
          name === 'a ring'
            ? cut(
                where((x, y) => Math.hypot(x - 100, y - 150) < 36),
                roi,
              )
            : truth;
        if (polygon)
          for (const [x, y] of farInside(pixelsOf(polygon, SIZE))) expect(filled.data[y * W + x], `${name} at ${x},${y}`).toBe(1);
      }
    }
  });

  it('part by part where that is expected', async () => {
    const parts = await startFacade({ service: server.facade.service, instances: true });
    try {
      const mask = maskOf('several parts');
      for (const roi of ROIS) {
        const headers = { 'content-type': 'application/json', 'x-nuclio-function-name': DETECTOR, 'user-agent': 'CVAT/2.73.0' };
        const body = JSON.stringify({ image: await sent(mask, roi) });
        const response = await send(`${parts.url}/api/function_invocations`, 'POST', headers, body);
        const stored = storedByServer(response.json(), { labels: ['cat'], ...(roi && { roi }) });
        const all = blank(SIZE);
        for (const shape of stored)
          pixelsOf(shape, SIZE).data.forEach((value, i) => (all.data[i] = Math.max(all.data[i] as number, value)));
        expect(difference(all, cut(mask, roi))).toBe('none');
        expect(stored).toHaveLength(splitInstances(cut(mask, roi), 1).length);
      }
    } finally {
      await parts.close();
    }
  });
});

describe('what a tracker finds is where it is', () => {
  const disc = (x: number, y: number) => where((px, py) => Math.hypot(px - x, py - y) < 20);
  const runsOf = (mask: BinaryMask): number[] => {
    const points: number[] = [];
    let last = 0;
    mask.data.forEach(
      (value) => (
        value === last && points.length > 0
          ? (points[points.length - 1] as number)++
          : points.push(...(points.length === 0 && value === 1 ? [0, 1] : [1])),
        (last = value)
      ),
    );
    return [...points, 0, 0, W - 1, H - 1];
  };

  it.each(CALLERS)('%s, in %s', async (userAgent, version) => {
    const [first, gone] = [await sent(disc(60, 70)), await sent(maskOf('nothing'))];
    const bare = minorOf(version) < 2040;
    const shapes = bare
      ? [[40, 50, 80, 90], { type: 'rectangle', points: [40, 50, 80, 90] }]
      : [
          { type: 'rectangle', points: [40, 50, 80, 90] },
          { type: 'mask', points: runsOf(disc(60, 70)) },
          { type: 'polygon', points: [40, 50, 80, 50, 80, 90, 40, 90] },
        ];
    const begun = (await server.call(TRACKER, userAgent, { image: first, shapes, states: [] })).json();
    checkTracked(begun, shapes, version);
    expect(begun.shapes).toEqual(shapes);
    let { states } = begun;
    for (const [name, mask] of Object.entries({
      moved: disc(90, 120),
      'at the border': disc(W - 10, H - 10),
      'one pixel': maskOf('one pixel'),
    })) {
      // Older versions send what they had, newer ones nulls, or no list at all.
      const body = { image: await sent(mask), shapes: bare ? shapes : shapes.map(() => null), states };
      const response = await server.call(TRACKER, userAgent, body);
      expect(response.status, response.reason).toBe(200);
      const next = response.json();
      checkTracked(next, shapes, version);
      const xs = [...mask.data.keys()].filter((i) => mask.data[i] === 1);
      const [left, right] = [Math.min(...xs.map((i) => i % W)), Math.max(...xs.map((i) => i % W)) + 1];
      const [top, bottom] = [Math.floor(Math.min(...xs) / W), Math.floor(Math.max(...xs) / W) + 1];
      for (const shape of next.shapes as ({ type: string; points: number[] } | number[])[]) {
        if (Array.isArray(shape)) expect(shape, name).toEqual([left, top, right, bottom]);
        else if (shape.type === 'rectangle') expect(shape.points, name).toEqual([left, top, right, bottom]);
        else if (shape.type === 'mask') expect(difference(pixelsOf(shape, SIZE), mask), name).toBe('none');
        else for (const [x, y] of farInside(pixelsOf(shape, SIZE))) expect(mask.data[y * W + x], name).toBe(1);
      }
      states = next.states;
    }
    const lost = (await server.call(TRACKER, userAgent, { image: gone, shapes: shapes.map(() => null), states })).json();
    if (!bare) expect((lost as { shapes: unknown[] }).shapes).toEqual(shapes.map(() => null));
    else
      checkTracked(
        { ...(lost as object), shapes: (lost as { shapes: unknown[] }).shapes.slice(0, 1), states: [1] },
        shapes.slice(0, 1),
        version,
      );
  });
});
