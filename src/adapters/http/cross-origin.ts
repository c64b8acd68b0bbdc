/** Pages of other origins that may call the service (the Fetch standard's CORS protocol), with tokens only. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { ProsamError } from '../../core/common/errors.ts';

const ALLOWED_HEADERS = 'authorization, content-type, x-request-id';
const ALLOWED_METHODS = 'GET, HEAD, POST, PUT, PATCH, DELETE';
const EXPOSED_HEADERS = 'retry-after, x-request-id, location';
/** Seconds a browser remembers the answer to its question. */
const REMEMBERED_S = 600;

/**
 * Origins as browsers write them.
 * @throws CONFIG_INVALID for anything else, `*` and null included
 */
export function parseOrigins(origins: readonly string[]): ReadonlySet<string> {
  for (const origin of origins) {
    const url = URL.canParse(origin) ? new URL(origin) : undefined;
    if (url?.origin === origin && /^https?:$/.test(url.protocol)) continue;
    const instead = url && /^https?:$/.test(url.protocol) ? url.origin : 'https://labels.internal:8443';
    throw new ProsamError(
      'CONFIG_INVALID',
      `http.allowOrigins: expected scheme, host and port of a page, such as ${instead}, got ${JSON.stringify(origin)}.`,
    );
  }
  return new Set(origins);
}

/** Answer to a page's request: none for pages that are not allowed, 'asked' where the browser only asks first. */
export function letPageRead(
  request: IncomingMessage,
  response: ServerResponse,
  allowed: ReadonlySet<string>,
): 'asked' | 'allowed' | 'none' {
  if (allowed.size === 0) return 'none';
  response.setHeader('vary', 'Origin');
  const { origin } = request.headers;
  if (origin === undefined || !allowed.has(origin)) return 'none';
  response.setHeader('access-control-allow-origin', origin);
  response.setHeader('access-control-expose-headers', EXPOSED_HEADERS);
  response.setHeader('cross-origin-resource-policy', 'cross-origin');
  if (request.method !== 'OPTIONS' || request.headers['access-control-request-method'] === undefined) return 'allowed';
  response.setHeader('access-control-allow-methods', ALLOWED_METHODS);
  response.setHeader('access-control-allow-headers', ALLOWED_HEADERS);
  response.setHeader('access-control-max-age', String(REMEMBERED_S));
  return 'asked';
}

/**
 * Holds a page of another origin to a token: passwords and names of this machine come from the browser, not from the page.
 * @throws FORBIDDEN
 */
export function checkToken(request: IncomingMessage): void {
  if (/^bearer /i.test(request.headers.authorization ?? '')) return;
  throw new ProsamError(
    'FORBIDDEN',
    'A page of an allowed origin must send a token (Authorization: Bearer ...), and no other credentials.',
  );
}
