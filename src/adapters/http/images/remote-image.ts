/** Images from http(s) addresses: every hop checked, every byte counted, the whole within one time. */
import { request, type Agent, type Dispatcher } from 'undici';
import { isOwnError, messageOf, ProsamError } from '../../../core/common/errors.ts';
import { hasKnownSignature } from '../../../core/image/node/decode.ts';
import { checkAddress, refused, shownAddress, type AddressPolicy } from '../address-check.ts';

export interface RemoteOptions {
  agent: Agent;
  policy: AddressPolicy;
  maxBytes: number;
  /** For everything: names, connections, redirects and the body. */
  timeoutMs: number;
}

const MAX_REDIRECTS = 5;
const REDIRECTS = new Set([301, 302, 303, 307, 308]);
/** Enough to tell an image by. */
const SIGNATURE_BYTES = 12;

/**
 * headers: for the address's own origin; once a redirect has left it they are not sent any more, not even back there.
 * @throws URL_REFUSED, URL_FAILED, IMAGE_TOO_LARGE, IMAGE_UNREADABLE; the reason of `signal` where that aborts
 */
export async function readRemoteImage(
  address: string,
  options: RemoteOptions,
  { headers = {}, signal }: { headers?: Readonly<Record<string, string>> | undefined; signal?: AbortSignal | undefined } = {},
): Promise<Uint8Array> {
  if (!URL.canParse(address)) throw refused('it cannot be read as one', 'Write it whole, with http:// or https://');
  const late = AbortSignal.timeout(options.timeoutMs);
  const stop = signal ? AbortSignal.any([signal, late]) : late;
  let url = new URL(address);
  let carried = headers;
  try {
    for (let hop = 0; hop <= MAX_REDIRECTS; hop++) {
      checkAddress(url, options.policy);
      const answer = await request(url, {
        dispatcher: options.agent,
        // Packed bodies could be huge once unpacked, so none are asked for and none are taken.
        headers: { ...carried, 'accept-encoding': 'identity', accept: 'image/*, */*;q=0.1' },
        signal: stop,
      });
      const next = redirectOf(answer, url);
      if (next === undefined) return await readAnswer(answer, url, options.maxBytes);
      answer.body.on('error', () => undefined).destroy();
      if (next.origin !== url.origin) carried = {};
      url = next;
    }
  } catch (error) {
    signal?.throwIfAborted();
    if (late.aborted) throw failed(url, `it took longer than ${options.timeoutMs / 1000} s`, error);
    throw ours(error) ?? failed(url, reasonOf(error), error);
  }
  throw failed(url, `more than ${MAX_REDIRECTS} redirects`);
}

function redirectOf(answer: Dispatcher.ResponseData, from: URL): URL | undefined {
  if (!REDIRECTS.has(answer.statusCode)) return undefined;
  const { location } = answer.headers;
  if (typeof location === 'string' && URL.canParse(location, from.href)) return new URL(location, from);
  throw failed(from, 'it redirects to nowhere');
}

async function readAnswer(answer: Dispatcher.ResponseData, url: URL, maxBytes: number): Promise<Uint8Array> {
  const { statusCode, headers, body } = answer;
  // Leaving the loop early destroys the body and with it the connection; that is no news to anybody.
  body.on('error', () => undefined);
  try {
    if (statusCode !== 200) throw failed(url, `it answered ${statusCode}`);
    const encoding = headers['content-encoding'];
    if (encoding !== undefined && encoding !== 'identity') throw failed(url, 'it answered with a compressed body, unasked');
    if (Number(headers['content-length'] ?? 0) > maxBytes) throw tooLarge(url, maxBytes);
    const pieces: Buffer[] = [];
    let bytes = 0;
    let known = false;
    for await (const piece of body as AsyncIterable<Buffer>) {
      pieces.push(piece);
      bytes += piece.byteLength;
      if (bytes > maxBytes) throw tooLarge(url, maxBytes);
      if (!known && bytes >= SIGNATURE_BYTES) {
        checkSignature(Buffer.concat(pieces), shownAddress(url));
        known = true;
      }
    }
    const whole = Buffer.concat(pieces);
    checkSignature(whole, shownAddress(url));
    return whole;
  } finally {
    body.destroy();
  }
}

/** Whatever is not an image goes no further: no reply of some inner service is ever seen by anybody. @throws IMAGE_UNREADABLE */
export function checkSignature(bytes: Uint8Array, label: string): void {
  if (hasKnownSignature(bytes)) return;
  throw new ProsamError(
    'IMAGE_UNREADABLE',
    `${label}: expected a JPEG, PNG, WebP, TIFF, AVIF or GIF image, got ${bytes.byteLength === 0 ? 'nothing' : 'bytes that do not begin like any of these'}.`,
  );
}

/** A refusal of ours, however deep the client wrapped it. */
function ours(error: unknown): ProsamError | undefined {
  for (let at: unknown = error, depth = 0; at instanceof Error && depth < 5; at = at.cause, depth++) {
    if (isOwnError(at)) return at;
    const inner = at instanceof AggregateError ? (at.errors as unknown[]).find(isOwnError) : undefined;
    if (isOwnError(inner)) return inner;
  }
  return undefined;
}

function reasonOf(error: unknown): string {
  const code = (error as { code?: unknown } | null)?.code;
  // Messages of the network may hold addresses that are nobody's business.
  return typeof code === 'string'
    ? `the connection failed (${code})`
    : `the connection failed (${messageOf(error).split(/[\s:]/, 1)[0] ?? ''})`;
}

function tooLarge(url: URL, maxBytes: number): ProsamError {
  return new ProsamError(
    'IMAGE_TOO_LARGE',
    `${shownAddress(url)}: expected at most ${maxBytes} bytes, got more. Shrink the image or raise the limit.`,
  );
}

function failed(url: URL, why: string, cause?: unknown): ProsamError {
  const message = `No image from ${shownAddress(url)}: ${why}. Check that this machine can reach it.`;
  return new ProsamError('URL_FAILED', message, cause === undefined ? {} : { cause });
}
