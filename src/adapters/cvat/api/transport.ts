/** Calls to one CVAT: its error codes, its words, and the headers it expects. */
import { createOutbound, type Outbound, type OutboundCall, type OutboundOptions } from '../../http/outbound.ts';
import type { ServerDialect } from '../../http/outbound-types.ts';

export interface CvatTransportOptions extends Omit<OutboundOptions, 'dialect' | 'headers'> {
  /** Short name of an organization, sent as X-Organization. */
  organization?: string | undefined;
  /** For one try. @default 60,000 */
  timeoutMs?: number | undefined;
  /** Tries of a call that may be repeated, the first one included. @default 5 */
  attempts?: number | undefined;
  /** Before the second try; doubled before each further one. @default 400 */
  backoffMs?: number | undefined;
  /** Largest response, in bytes. @default 256 MiB */
  maxBytes?: number | undefined;
}

/** @throws CVAT_FAILED, CVAT_REFUSED; the reason of the call's signal */
export type CvatTransport = Outbound;

const CVAT: ServerDialect = {
  name: 'CVAT',
  versions: '2.15 to 2.54',
  failed: 'CVAT_FAILED',
  refused: 'CVAT_REFUSED',
  detailOf,
  advice: {
    401: 'The token may have been revoked or have expired: give another one.',
    403: 'Ask for the rights, or name the organization.',
    404: 'It does not exist, or is not shown to this user: check the number and the organization.',
  },
};

export function createCvatTransport({ organization, ...options }: CvatTransportOptions): CvatTransport {
  const { url } = options;
  const outbound = createOutbound({
    ...{ timeoutMs: 60_000, attempts: 5, backoffMs: 400, maxBytes: 2 ** 28, ...given(options) },
    dialect: CVAT,
    headers: {
      accept: 'application/vnd.cvat+json, application/json, */*;q=0.8',
      ...(organization !== undefined && { 'x-organization': organization }),
    },
  });
  // Where a session's cookie is the proof, Django compares this with its own address.
  const sameSite = { origin: new URL(url).origin, referer: `${url}/` };
  const withSite = (call: OutboundCall): OutboundCall => (call.method === 'GET' ? call : { ...call, headers: sameSite });
  return {
    json: (call, schema) => outbound.json(withSite(call), schema),
    bytes: (call) => outbound.bytes(withSite(call)),
    done: (call) => outbound.done(withSite(call)),
    stream: (call) => outbound.stream(withSite(call)),
  };
}

/** Without what is undefined, which would stand before a default. */
function given<T extends object>(options: T): T {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as T;
}

/** CVAT answers with a text, or fields with texts. */
function detailOf(json: unknown): string {
  const detail = typeof json === 'object' && json !== null && 'detail' in json && typeof json.detail === 'string' ? json.detail : json;
  return typeof detail === 'string' ? detail : JSON.stringify(detail);
}
