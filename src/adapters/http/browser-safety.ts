/** Protection against foreign web pages that use a caller's browser against this service. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { ProsamError } from '../../core/common/errors.ts';

/** Answers are data: nothing in them runs, is framed, is guessed at or is told where it was linked from. Pages set a policy of their own. */
const HEADERS = {
  'x-content-type-options': 'nosniff',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'referrer-policy': 'no-referrer',
  'cross-origin-resource-policy': 'same-origin',
  'x-frame-options': 'DENY',
};

export const LOOPBACK_HOSTS: readonly string[] = ['localhost', '127.0.0.1', '[::1]'];

export function setSafeHeaders(response: ServerResponse): void {
  for (const [name, value] of Object.entries(HEADERS)) response.setHeader(name, value);
}

/**
 * A page whose name was made to lead here sends that name as Host, so names nobody configured are refused.
 * allowed: 'name' for any port, or 'name:port'; IPv6 in brackets.
 * @throws FORBIDDEN
 */
export function checkHost(request: IncomingMessage, allowed: readonly string[]): void {
  const host = (request.headers.host ?? '').toLowerCase();
  const name = host.replace(/:\d{1,5}$/, '');
  if (allowed.some((one) => one.toLowerCase() === host || one.toLowerCase() === name)) return;
  throw new ProsamError(
    'FORBIDDEN',
    `The Host header names none of the hosts this service answers for: ${host.slice(0, 200) || 'none at all'}. Use its configured name, or add this one to allowedHosts.`,
  );
}

/**
 * Browsers attach remembered passwords to requests other sites make them send; those are not the caller's wish.
 * host: what the browser was asked for. Reading is safe: other sites do not see the answer.
 * @throws FORBIDDEN
 */
export function checkSameSite(request: IncomingMessage, host: string | undefined): void {
  if (request.method === 'GET' || request.method === 'HEAD' || request.method === 'OPTIONS') return;
  const site = request.headers['sec-fetch-site'];
  const origin = request.headers.origin;
  // 'same-site' is another port or another name of the same domain: not us either.
  const elsewhere = site !== undefined && site !== 'same-origin' && site !== 'none';
  if (!elsewhere && (origin === undefined || sameHost(origin, host))) return;
  throw new ProsamError(
    'FORBIDDEN',
    `A page of another site sent this request${origin === undefined ? '' : ` (${origin.slice(0, 200)})`}. ${ifItIsYours(host)}`,
  );
}

/** The setting that applies, behind a proxy and for pages of one's own. */
function ifItIsYours(host: string | undefined): string {
  return (
    `This service was asked as ${host?.slice(0, 200) ?? 'nobody'}: behind a proxy, set trustProxy and let the proxy send X-Forwarded-Host. ` +
    'For a page of your own elsewhere, add its origin to http.allowOrigins. Otherwise send it from a program.'
  );
}

function sameHost(origin: string, host: string | undefined): boolean {
  if (host === undefined || !URL.canParse(origin)) return false;
  const { protocol, host: named } = new URL(origin);
  // URL leaves out a protocol's usual port; a Host header may spell it out.
  return URL.canParse(`${protocol}//${host}`) && new URL(`${protocol}//${host}`).host === named;
}
