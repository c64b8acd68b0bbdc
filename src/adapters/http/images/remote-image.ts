/** Images from http(s) addresses: every hop checked, every byte counted, the whole within one time. */
import { request, type Agent, type Dispatcher } from 'undici';
import { ProsamError } from '../../../core/common/errors.ts';
import { READABLE_NAMES } from '../../../core/image/file-kinds.ts';
import { hasKnownSignature, SIGNATURE_BYTES, unreadable } from '../../../core/image/node/open-image.ts';
import { checkAddress, refused, shownAddress, type AddressPolicy } from '../address-check.ts';
import { connectionReason, redirectTarget, refusalIn } from '../outbound-failure.ts';

export interface RemoteOptions {
  agent: Agent;
  policy: AddressPolicy;
  maxBytes: number;
  /** For everything: names, connections, redirects and the body. */
  timeoutMs: number;
}

const MAX_REDIRECTS = 5;

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
      const response = await request(url, {
        dispatcher: options.agent,
        // Packed bodies could be huge once unpacked, so none are asked for and none are taken.
        headers: { ...carried, 'accept-encoding': 'identity', accept: 'image/*, */*;q=0.1' },
        signal: stop,
      });
      const { location } = response.headers;
      const next = redirectTarget(response.statusCode, typeof location === 'string' ? location : undefined, url);
      if (next === undefined) return await readResponse(response, url, options.maxBytes);
      response.body.on('error', () => undefined).destroy();
      if (next === null) throw failed(url, 'it redirects to nowhere');
      if (next.origin !== url.origin) carried = {};
      url = next;
    }
  } catch (error) {
    signal?.throwIfAborted();
    if (late.aborted) throw failed(url, `it took longer than ${options.timeoutMs / 1000} s`, error);
    throw refusalIn(error) ?? failed(url, connectionReason(error), error);
  }
  throw failed(url, `more than ${MAX_REDIRECTS} redirects`);
}

async function readResponse(response: Dispatcher.ResponseData, url: URL, maxBytes: number): Promise<Uint8Array> {
  const { statusCode, headers, body } = response;
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

/**
 * Refuses anything that is not an image, so that no reply of an internal service is ever shown.
 * sent: the caller sent these bytes, and may be told what they are instead.
 * @throws IMAGE_UNREADABLE
 */
export function checkSignature(bytes: Uint8Array, label: string, { sent = false } = {}): void {
  if (hasKnownSignature(bytes)) return;
  if (sent) throw unreadable(label, `its ${bytes.byteLength} bytes do not begin like any of these`, { bytes });
  throw new ProsamError(
    'IMAGE_UNREADABLE',
    `${label}: expected a ${READABLE_NAMES} image, got ${bytes.byteLength === 0 ? 'nothing' : 'bytes that do not begin like any of these'}.`,
  );
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
