/** Calls to Label Studio: only to addresses that may be asked, checked where the connection is made. */
import { fetch as undiciFetch } from 'undici';
import { isOwnError, type ProsamError } from '../../../core/common/errors.ts';
import { checkAddress, createAddressPolicy } from '../../http/address-check.ts';
import { createCheckedAgent, type Lookup } from '../../http/checked-agent.ts';
import type { ApiFetch } from '../api/transport.ts';

export interface CheckedFetchOptions {
  /** Private hosts that may be asked: 'name', 'name:port', an address or a range. @default none */
  allowHosts?: readonly string[];
  /** Ports of all other hosts. @default 80, 443 and 8080, where Label Studio listens unless told otherwise */
  allowPorts?: readonly number[];
  /** To connect, and to begin with an answer. @default 120,000 */
  timeoutMs?: number;
  /** @default the system's */
  lookup?: Lookup;
}

/** What it makes @throws URL_REFUSED */
export function createCheckedFetch({
  allowHosts = [],
  allowPorts = [80, 443, 8080],
  timeoutMs = 120_000,
  lookup,
}: CheckedFetchOptions = {}): {
  fetch: ApiFetch;
  close: () => Promise<void>;
} {
  const policy = createAddressPolicy(allowHosts, allowPorts);
  const dispatcher = createCheckedAgent({ policy, timeoutMs, ...(lookup && { lookup }) });
  return {
    async fetch(url, { body, ...init }) {
      checkAddress(new URL(url), policy);
      try {
        // Forms are not sent from here: the two classes of that name would not know each other.
        return await undiciFetch(url, { ...init, dispatcher, ...(typeof body === 'string' && { body }) });
      } catch (error) {
        throw refusalIn(error) ?? error;
      }
    },
    close: () => dispatcher.destroy(),
  };
}

/** A refusal of the connection, however deep the client wrapped it. */
function refusalIn(error: unknown): ProsamError | undefined {
  for (let at = error, depth = 0; at instanceof Error && depth < 5; at = at.cause, depth++) {
    if (isOwnError(at)) return at;
  }
  return undefined;
}
