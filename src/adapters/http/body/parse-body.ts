/** Parses a body: JSON, or a multipart form with JSON and files, each step in its own slice of the event loop. */
import type { IncomingMessage } from 'node:http';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { ProsamError } from '../../../core/common/errors.ts';
import { createJsonWatch, type JsonLimits, type LongString } from './json-structure.ts';
import { joinBytes } from './join-bytes.ts';
import { parseJson } from './parse-json.ts';
import { parseMultipart } from './multipart.ts';
import { readBody, type BodyLimits } from './read-body.ts';
import type { Route } from '../route.ts';

export interface ParsedBody {
  /** undefined where nothing was sent. */
  json: unknown;
  files: ReadonlyMap<string, readonly Uint8Array[]>;
}

/** Bytes of a body that are there, but not looked at yet. */
export interface SentBody {
  raw: Buffer;
  type: 'json' | 'form' | 'other';
  longStrings: readonly LongString[];
}

const NO_FILES: ParsedBody['files'] = new Map();

/** Field of a multipart body that holds what would be the body alone. */
export const REQUEST_FIELD = 'request';

/** @throws REQUEST_UNSUPPORTED for a type the route does not take, REQUEST_TOO_LARGE, REQUEST_TIMEOUT, REQUEST_INVALID */
export async function receiveBody(request: IncomingMessage, route: Route, limits: BodyLimits & { json: JsonLimits }): Promise<SentBody> {
  const media = mediaType(request.headers['content-type']);
  const asJson = route.body !== undefined && media === 'application/json';
  const asForm = route.multipart === true && media === 'multipart/form-data';
  const declared = request.headers['content-length'];
  const some = request.headers['transfer-encoding'] !== undefined || (declared !== undefined && declared !== '0');
  if (some && route.body !== undefined && !asJson && !asForm) {
    const wanted = route.multipart === true ? 'application/json or multipart/form-data' : 'application/json';
    throw new ProsamError(
      'REQUEST_UNSUPPORTED',
      `Expected Content-Type: ${wanted}, got ${media === '' ? 'none' : 'another one'}. Set the header.`,
    );
  }
  const watch = asJson ? createJsonWatch(limits.json) : undefined;
  const pieces = await readBody(request, limits, watch?.see);
  const raw = await joinBytes(pieces);
  return { raw, type: asJson ? 'json' : asForm ? 'form' : 'other', longStrings: watch?.longStrings ?? [] };
}

/** @throws REQUEST_INVALID, REQUEST_TOO_LARGE for forms with too many parts */
export async function parseBody({ raw, type, longStrings }: SentBody, request: IncomingMessage, limits: JsonLimits): Promise<ParsedBody> {
  await nextTurn();
  if (type === 'form') {
    const { request: text, files } = await parseMultipart(raw, request.headers, REQUEST_FIELD);
    if (text === undefined) return { json: undefined, files };
    const watch = createJsonWatch(limits);
    watch.see(text);
    return { json: await parseJson(text, watch.longStrings), files };
  }
  return { json: type === 'json' && raw.byteLength > 0 ? await parseJson(raw, longStrings) : undefined, files: NO_FILES };
}

/** Lower case, without parameters. */
function mediaType(header: string | undefined): string {
  return (header ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? '';
}
