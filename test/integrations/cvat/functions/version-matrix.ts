/** Who asks for what, with which truth: versions of CVAT, regions of interest, and frames whose masks are known. */
import { createGuard } from '../../../../src/adapters/http/guard.ts';
import { createHttpApp } from '../../../../src/adapters/http/http-app.ts';
import { listen } from '../../../../src/adapters/http/listen.ts';
import { detectorName } from '../../../../src/adapters/cvat/names.ts';
import type { BinaryMask } from '../../../../src/core/mask/label-reduction.ts';
import { blank, minorOf, type Roi } from './as-cvat-draws.ts';
import { label, send, startFacade, type Answer } from './facade-server.ts';
import { cropped, painted, paintedService } from './painted-service.ts';

export const SIZE = { width: 200, height: 230 };
export const { width: W, height: H } = SIZE;
export const PROJECT = 'animals';
export const DETECTOR = detectorName(PROJECT);
/** Of what the detector is declared for. */
export const LABELS = ['cat', 'dog'];

export function where(marked: (x: number, y: number) => boolean): BinaryMask {
  const mask = blank(SIZE);
  for (let y = 0; y < SIZE.height; y++) for (let x = 0; x < SIZE.width; x++) mask.data[y * SIZE.width + x] = marked(x, y) ? 1 : 0;
  return mask;
}
const within = (left: number, top: number, right: number, bottom: number) => (x: number, y: number) =>
  x >= left && x <= right && y >= top && y <= bottom;

/** What the engine finds in a frame. */
export const MASKS: Readonly<Record<string, BinaryMask>> = {
  nothing: where(() => false),
  'one pixel': where(within(90, 140, 90, 140)),
  'an ellipse in [82,130,145,209]': where((x, y) => ((x - 113.5) / 32) ** 2 + ((y - 169.5) / 40) ** 2 <= 1),
  'all of the frame': where(() => true),
  'the left border': where(within(0, 100, 60, 150)),
  'the upper border': where(within(80, 0, 130, 120)),
  'the right border': where(within(150, 110, W - 1, 160)),
  'the lower border': where(within(70, 180, 120, H - 1)),
  'the first pixel': where(within(0, 0, 0, 0)),
  'the last pixel': where(within(W - 1, H - 1, W - 1, H - 1)),
  'several parts': where((x, y) => within(10, 10, 30, 40)(x, y) || within(100, 120, 140, 130)(x, y) || within(60, 200, 190, 229)(x, y)),
  'a ring': where((x, y) => Math.abs(Math.hypot(x - 100, y - 150) - 30) < 6),
  'one row': where((_, y) => y === 140),
  'a chessboard': where((x, y) => within(70, 110, 119, 159)(x, y) && (x + y) % 2 === 0),
};

/** What CVAT says of itself, and the version whose browser gets the answer. */
export const CALLERS: readonly (readonly [userAgent: string | undefined, version: string])[] = [
  ['CVAT/2.15.0 python-requests/2.31.0', '2.15.0'],
  ['CVAT/2.54.1 python-requests/2.32.4', '2.54.1'],
  ['CVAT/2.60 python-requests/2.32.4', '2.60.0'],
  ['CVAT/2.64.1-alpha python-requests/2.32.4', '2.64.1'],
  ['CVAT/2.73.0 python-requests/2.32.4', '2.73.0'],
  ...['2.15.0', '2.54.1', '2.64.1', '2.73.0'].map((version) => [undefined, version] as const),
  ['a-proxy/1.0', '2.54.1'],
  ['a-proxy/1.0', '2.73.0'],
  ['CVAT/2.59.1-alpha', '2.54.1'],
  ['CVAT/2.59.1-alpha', '2.64.1'],
];
/** Regions of interest a user may choose. */
export const ROIS: readonly (Roi | undefined)[] = [
  undefined,
  [40, 60, 190, 220],
  [72, 102, W, H],
  [82, 130, 146, 210],
  [0, 0, 130, 140],
  [0, 0, W, H],
];
/** With the regions that a version knows. */
export const CALLERS_AND_ROIS = CALLERS.flatMap(([userAgent, version]) =>
  ROIS.filter((roi) => roi === undefined || minorOf(version) >= 2070).map((roi) => [userAgent, version, roi] as const),
);

/** What of it lies in the region, in pixels of the frame. */
export function cut(mask: BinaryMask, [left, top, right, bottom]: Roi = [0, 0, W, H]): BinaryMask {
  return where((x, y) => within(left, top, right - 1, bottom - 1)(x, y) && mask.data[y * W + x] === 1);
}

/** A marked one, or any of the region. */
export function pixelIn({ data }: BinaryMask, [left, top]: Roi = [0, 0, W, H]): [number, number] {
  const at = data.indexOf(1);
  return at < 0 ? [left + 5, top + 5] : [at % W, Math.floor(at / W)];
}

export function maskOf(name: string): BinaryMask {
  const mask = MASKS[name];
  if (mask === undefined) throw new Error(`no mask ${name}`);
  return mask;
}

const files = new WeakMap<BinaryMask, Map<string, Promise<Buffer>>>();

/** What CVAT sends of a frame, in base64: its file, or a file of the region. */
export async function sent(mask: BinaryMask, roi?: Roi): Promise<string> {
  const known = files.get(mask) ?? new Map<string, Promise<Buffer>>();
  files.set(mask, known);
  const whole = known.get('') ?? painted(mask);
  known.set('', whole);
  const part = known.get(roi?.join() ?? '') ?? whole.then((frame) => cropped(frame, roi ?? [0, 0, W, H]));
  known.set(roi?.join() ?? '', part);
  return (await part).toString('base64');
}

/** Where two masks are not the same, in a few words. */
export function difference(drawn: BinaryMask, truth: BinaryMask): string {
  if (drawn.width !== truth.width || drawn.height !== truth.height) return `${drawn.width} x ${drawn.height} pixels`;
  if (Buffer.compare(drawn.data, truth.data) === 0) return 'none';
  const wrong = [...truth.data.keys()].filter((i) => drawn.data[i] !== truth.data[i]);
  const [first = 0] = wrong;
  return `${wrong.length} pixels, the first at ${first % truth.width},${Math.floor(first / truth.width)}`;
}

/** Some of the pixels whose neighbours within two are marked too. */
export function farInside({ data }: BinaryMask): [x: number, y: number][] {
  const found: [number, number][] = [];
  const isFar = (x: number, y: number): boolean => {
    for (let dy = -2; dy <= 2; dy++) for (let dx = -2; dx <= 2; dx++) if (data[(y + dy) * W + x + dx] !== 1) return false;
    return true;
  };
  for (let y = 2; y < H - 2; y += 2) for (let x = 2; x < W - 2; x += 3) if (isFar(x, y)) found.push([x, y]);
  return found;
}

/** By way of the dashboard's address, or of the function's own port, where no header names it. */
export type Way = 'dashboard' | 'direct';

export async function startPainted() {
  const ports = { portOf: (name: string) => 20_000 + name.length };
  const facade = await startFacade({ service: paintedService({ labels: LABELS }), ports, open: () => Promise.resolve() });
  await label(facade.service, PROJECT, LABELS, await painted(maskOf('a ring')));
  const direct = new Map<string, Awaited<ReturnType<typeof listen>>>();
  for (const { name, routes } of await facade.adapter.listeners()) {
    const app = createHttpApp({ guard: createGuard({ anonymous: 'write' }), limits: { json: { bytes: 64 * 2 ** 20 } } });
    app.mount('/', routes);
    direct.set(name, await listen(app, { host: '127.0.0.1', port: 0 }));
  }
  return {
    facade,
    call(name: string, userAgent: string | undefined, body: object, way: Way = 'dashboard'): Promise<Answer> {
      const headers = { 'content-type': 'application/json', ...(userAgent !== undefined && { 'user-agent': userAgent }) };
      if (way === 'direct') return send(`${direct.get(name)?.url ?? ''}/`, 'POST', headers, JSON.stringify(body));
      const named = { ...headers, 'x-nuclio-function-name': name, 'x-nuclio-path': '/' };
      return send(`${facade.url}/api/function_invocations`, 'POST', named, JSON.stringify(body));
    },
    async close(): Promise<void> {
      for (const server of direct.values()) await server.close({ deadlineMs: 500 });
      await facade.close();
    },
  };
}
