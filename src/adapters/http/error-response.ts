/** Errors as callers see them: one shape, advice with every code, nothing of the machine's insides. */
import type { ServerResponse } from 'node:http';
import { transienceOf } from '../../core/common/transient-errors.ts';
import { ERROR_HINTS } from '../../core/common/error-hints.ts';
import { ERROR_STATUS, isOwnError, ProsamError, type ErrorCode } from '../../core/common/errors.ts';
import { allows } from './guard.ts';
import type { Access } from './route.ts';

export interface ErrorResponse {
  status: number;
  headers: Record<string, string>;
  body: { error: { code: ErrorCode; message: string; hint: string; requestId: string } };
}

/** Codes that concern the service as a whole; their messages name no files and no addresses. */
const TOLD_TO_ALL: ReadonlySet<ErrorCode> = new Set([
  'SERVICE_BUSY',
  'SERVICE_CLOSING',
  'DEADLINE_EXCEEDED',
  'URL_FAILED',
  'ENGINE_CLOSED',
  'ENGINE_CRASHED',
  'ENGINE_HUNG',
]);

const DEFAULT_RETRY_MS = 1000;

/** challenge: value of WWW-Authenticate. access: of the caller, where known; only admins read what failed inside. */
export function errorResponse(
  error: ProsamError,
  requestId: string,
  options: { challenge: string; access?: Access | undefined },
): ErrorResponse {
  const { code } = error;
  const status = ERROR_STATUS[code];
  const inside = status >= 500 && !TOLD_TO_ALL.has(code);
  const message =
    inside && !allows(options.access ?? 'open', 'admin')
      ? `Something failed inside the service (${code}). Its log tells more under ${requestId}.`
      : error.message;
  const headers: Record<string, string> = {};
  if (code === 'UNAUTHORIZED') headers['www-authenticate'] = options.challenge;
  if (transienceOf(code) !== undefined || error.retryAfterMs !== undefined) {
    headers['retry-after'] = String(Math.max(1, Math.ceil((error.retryAfterMs ?? DEFAULT_RETRY_MS) / 1000)));
  }
  return { status, headers, body: { error: { code, message, hint: ERROR_HINTS[code], requestId } } };
}

/** Translates errors of the framework and other libraries. */
export function asProsamError(thrown: unknown): ProsamError {
  if (isOwnError(thrown)) return thrown;
  // A path that cannot be decoded is the one thing the router itself refuses.
  if (thrown instanceof URIError && (thrown as { status?: unknown }).status === 400) {
    return new ProsamError('REQUEST_INVALID', 'The path of the request cannot be decoded. Write % as %25.', { cause: thrown });
  }
  return new ProsamError('ENGINE_FAILED', 'Something unexpected happened.', { cause: thrown });
}

/** Longest text put into a status line. */
const STATUS_LINE_TEXT = 500;

/** Text a status line can carry: printable ASCII in one line. */
export function statusLineText(message: string): string {
  const plain = message
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .replace(/\s+/g, ' ')
    .replace(/[^\x20-\x7e]/g, '?');
  return plain.length <= STATUS_LINE_TEXT ? plain : `${plain.slice(0, STATUS_LINE_TEXT - 3)}...`;
}

export function sendJson(response: ServerResponse, status: number, json: unknown, headers: Readonly<Record<string, string>> = {}): void {
  const { bytes, type } = jsonBytes(json);
  sendBytes(response, status, bytes, type, headers);
}

export function jsonBytes(json: unknown): { bytes: Uint8Array; type: string } {
  return { bytes: Buffer.from(JSON.stringify(json)), type: 'application/json; charset=utf-8' };
}

/** Nothing is kept by caches unless the headers say so. */
export function sendBytes(
  response: ServerResponse,
  status: number,
  bytes: Uint8Array,
  type: string,
  headers: Readonly<Record<string, string>> = {},
): void {
  const all = { 'cache-control': 'no-store', ...headers, 'content-type': type, 'content-length': String(bytes.byteLength) };
  for (const [name, value] of Object.entries(all)) response.setHeader(name, value);
  response.statusCode = status;
  response.end(bytes);
}
