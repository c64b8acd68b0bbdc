/** Checks that functions respond when they are called as CVAT calls them: each on its own port, or through the dashboard's address. */
import { z } from 'zod';
import { pngFromRgb } from '../../common/draw.ts';
import { messageOf } from '../../../core/common/errors.ts';
import type { FacadeParts, Finding } from './checks.ts';
import { hereOf } from './here.ts';

const entrySchema = z.looseObject({
  metadata: z.looseObject({ annotations: z.looseObject({ type: z.string() }) }),
  status: z.looseObject({ httpPort: z.int() }).optional(),
});
const listSchema = z.record(z.string(), entrySchema);

/** Functions called at most; more are listed. */
const MOST = 20;
/** CVAT waits 120 seconds for the answer; a picture this small takes seconds, the first one longer. */
const PATIENCE_MS = 60_000;
const SIDE = 64;

/** One finding a function; none where the list cannot be read, which another check finds. */
export async function checkFunctions(facade: URL, { fetch: ask, signal }: FacadeParts): Promise<Finding[]> {
  const here = hereOf(facade);
  const call = async (url: string, init: RequestInit): Promise<Response> => {
    const late = AbortSignal.timeout(PATIENCE_MS);
    return ask(url, { redirect: 'manual', ...init, signal: signal ? AbortSignal.any([signal, late]) : late });
  };
  const list = await call(new URL('/api/functions', here).href, {})
    .then(async (response) => (response.ok ? listSchema.safeParse(await response.json()).data : undefined))
    .catch(() => undefined);
  const functions = Object.entries(list ?? {});
  if (functions.length === 0) return [];
  const image = Buffer.from(await pngFromRgb({ width: SIDE, height: SIDE, data: gray() })).toString('base64');
  const findings: Finding[] = [];
  for (const [name, { metadata, status }] of functions.slice(0, MOST)) {
    const body = bodyOf(metadata.annotations.type, image);
    if (body === undefined) continue;
    const direct = new URL('/', here);
    const port = status?.httpPort ?? 1;
    // Port 1 stands for none: then CVAT calls through the dashboard.
    const isDirect = port > 1;
    if (isDirect) direct.port = String(port);
    const url = isDirect ? direct.href : new URL('/api/function_invocations', here).href;
    const headers = { 'content-type': 'application/json', ...(!isDirect && { 'x-nuclio-function-name': name, 'x-nuclio-path': '/' }) };
    const what = `${name} is called`;
    try {
      const response = await call(url, { method: 'POST', headers, body: JSON.stringify(body) });
      await response.arrayBuffer();
      if (response.ok) findings.push({ what, state: 'ok', found: `answers at ${new URL(url).host}` });
      else
        findings.push({
          ...{ what, state: 'problem', found: `answers ${response.status} ${response.statusText} at ${new URL(url).host}` },
          fix: 'Read the message; the log of prosam has more.',
        });
    } catch (error) {
      const fix = isDirect
        ? `CVAT calls functions on ports of their own: open port ${port} in the firewall, or set CVAT_NUCLIO_INVOKE_METHOD=dashboard in both containers.`
        : 'Look at the log of prosam.';
      findings.push({ what, state: 'problem', found: `${new URL(url).host}: ${messageOf(error)}`, fix, compose: isDirect });
    }
  }
  if (functions.length > MOST)
    findings.push({ what: 'functions', state: 'note', found: `${functions.length - MOST} more were not called` });
  return findings;
}

/** undefined for kinds of later versions. */
function bodyOf(kind: string, image: string): object | undefined {
  const middle = SIDE / 2;
  if (kind === 'detector') return { image };
  if (kind === 'interactor') return { image, pos_points: [[middle, middle]], neg_points: [], obj_bbox: [] };
  if (kind === 'tracker') return { image, shapes: [{ type: 'rectangle', points: [16, 16, 48, 48] }], states: [] };
  return undefined;
}

/** A light square on gray. */
function gray(): Uint8Array {
  return Uint8Array.from({ length: 3 * SIDE * SIDE }, (_, i) => {
    const [x, y] = [Math.floor(i / 3) % SIDE, Math.floor(i / 3 / SIDE)];
    return x >= 16 && x < 48 && y >= 16 && y < 48 ? 220 : 90;
  });
}
