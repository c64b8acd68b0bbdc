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

/** A call as CVAT makes it. */
export interface FunctionCall {
  name: string;
  /** Address as CVAT has it. */
  url: string;
  headers: Record<string, string>;
  body: string;
  /** Its own port; undefined: through the dashboard's address. */
  port: number | undefined;
}

/** Calls of all functions that are listed; none where the list cannot be read, which another check finds. */
export async function functionCalls(facade: URL, { fetch: ask, signal }: FacadeParts): Promise<FunctionCall[]> {
  const list = await ask(new URL('/api/functions', hereOf(facade)).href, { redirect: 'manual', signal: patient(signal) })
    .then(async (response) => (response.ok ? listSchema.safeParse(await response.json()).data : undefined))
    .catch(() => undefined);
  const functions = Object.entries(list ?? {});
  if (functions.length === 0) return [];
  const image = Buffer.from(await pngFromRgb({ width: SIDE, height: SIDE, data: gray() })).toString('base64');
  return functions.flatMap(([name, { metadata, status }]) => {
    const body = bodyOf(metadata.annotations.type, image);
    if (body === undefined) return [];
    const direct = new URL('/', facade);
    const port = status?.httpPort ?? 1;
    // Port 1 stands for none: then CVAT calls through the dashboard.
    const isDirect = port > 1;
    if (isDirect) direct.port = String(port);
    const url = isDirect ? direct.href : new URL('/api/function_invocations', facade).href;
    const headers = { 'content-type': 'application/json', ...(!isDirect && { 'x-nuclio-function-name': name, 'x-nuclio-path': '/' }) };
    return [{ name, url, headers, body: JSON.stringify(body), port: isDirect ? port : undefined }];
  });
}

/** One finding a function. */
export async function checkFunctions(calls: readonly FunctionCall[], { fetch: ask, signal }: FacadeParts): Promise<Finding[]> {
  const findings: Finding[] = [];
  for (const { name, url, headers, body, port } of calls.slice(0, MOST)) {
    const what = `${name} is called`;
    const here = hereOf(new URL(url));
    try {
      const response = await ask(here.href, { redirect: 'manual', method: 'POST', headers, body, signal: patient(signal) });
      await response.arrayBuffer();
      if (response.ok) findings.push({ what, state: 'ok', found: `answers at ${here.host}` });
      else
        findings.push({
          ...{ what, state: 'problem', found: `answers ${response.status} ${response.statusText} at ${here.host}` },
          fix: 'Read the message; the log of prosam has more.',
        });
    } catch (error) {
      const fix = port === undefined ? 'Look at the log of prosam.' : portHint(port);
      findings.push({ what, state: 'problem', found: `${here.host}: ${messageOf(error)}`, fix, compose: port !== undefined });
    }
  }
  if (calls.length > MOST) findings.push({ what: 'functions', state: 'note', found: `${calls.length - MOST} more were not called` });
  return findings;
}

/** Fix of a function whose port is not reached. */
export function portHint(port: number): string {
  return `CVAT calls functions on ports of their own: open port ${port} in the firewall, or set CVAT_NUCLIO_INVOKE_METHOD=dashboard in both containers.`;
}

function patient(signal: AbortSignal | undefined): AbortSignal {
  const late = AbortSignal.timeout(PATIENCE_MS);
  return signal ? AbortSignal.any([signal, late]) : late;
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
