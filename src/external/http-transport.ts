/** Messages by HTTP: each a POST to the one address, without credentials or cookies, without following redirects, in one try. */
import { createOutbound } from '../adapters/http/outbound.ts';
import type { OutboundFetch, ServerDialect } from '../adapters/http/outbound-types.ts';
import { ProsamError } from '../core/common/errors.ts';
import type { ExternalTransport } from '../core/engine/methods/external/port.ts';
import type { ExchangeLimits } from './limits.ts';

const DIALECT: ServerDialect = {
  name: 'the external system',
  versions: 'that speaks the protocol',
  failed: 'EXTERNAL_FAILED',
  refused: 'EXTERNAL_FAILED',
  detailOf(json) {
    const said = typeof json === 'object' && json !== null && 'error' in json ? json.error : undefined;
    return typeof said === 'string' ? said : '';
  },
  advice: { 404: 'Name the whole address, with its path.', 413: 'Use fewer references, or smaller images.' },
};

export interface HttpTransportOptions extends ExchangeLimits {
  /** @default the system's fetch */
  fetch?: OutboundFetch;
}

export function createHttpTransport(url: URL, { timeoutMs, maxBytes, fetch }: HttpTransportOptions): ExternalTransport {
  const outbound = createOutbound({ url: url.origin, dialect: DIALECT, attempts: 1, timeoutMs: 0, maxBytes, ...(fetch && { fetch }) });
  const closing = new AbortController();
  return {
    async exchange(message, given) {
      given?.throwIfAborted();
      const late = new AbortController();
      const timer = setTimeout(() => late.abort(tooLate(url, timeoutMs)), timeoutMs);
      const signal = AbortSignal.any([late.signal, closing.signal, ...(given ? [given] : [])]);
      try {
        return await outbound.bytes({ method: 'POST', path: url.pathname, body: message, signal });
      } finally {
        clearTimeout(timer);
      }
    },
    close() {
      closing.abort(new ProsamError('EXTERNAL_FAILED', 'external: the engine was closed before the system answered.'));
      return Promise.resolve();
    },
  };
}

function tooLate({ host }: URL, timeoutMs: number): ProsamError {
  return new ProsamError(
    'EXTERNAL_TIMEOUT',
    `external: expected an answer of ${host} within ${timeoutMs / 1000} s, got none. Check that the system works, or raise its time-out.`,
  );
}
