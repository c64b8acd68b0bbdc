/** fetch to allowed addresses only: each is checked before the call and again where the connection is made. */
import { fetch as undiciFetch } from 'undici';
import { checkAddress, createAddressPolicy, refused } from './address-check.ts';
import { createCheckedAgent, type Lookup } from './checked-agent.ts';
import { refusalIn } from './outbound-failure.ts';
import type { OutboundFetch } from './outbound-types.ts';

export interface CheckedFetchOptions {
  /** Private hosts that may be asked: 'name', 'name:port', an address, or a range such as '10.1.0.0/16'. @default none */
  allowHosts?: readonly string[];
  /** Ports of all other hosts. @default 80 and 443 */
  allowPorts?: readonly number[];
  /** Longest time to connect, and to begin with a response. @default 120,000 */
  timeoutMs?: number;
  /** Resolution of names. @default the system's */
  lookup?: Lookup;
}

export interface CheckedFetch {
  /** Refuses what can be told from the address alone. @throws URL_REFUSED */
  check(address: string): void;
  /** Follows no redirects. Rejects with URL_REFUSED, the reason of its signal, or an error of the network. */
  fetch: OutboundFetch;
  close(): Promise<void>;
}

/** @throws CONFIG_INVALID for an entry of allowHosts that is none */
export function createCheckedFetch(options: CheckedFetchOptions = {}): CheckedFetch {
  const { allowHosts = [], allowPorts = [80, 443], timeoutMs = 120_000, lookup } = options;
  const policy = createAddressPolicy(allowHosts, allowPorts);
  const dispatcher = createCheckedAgent({ policy, timeoutMs, ...(lookup && { lookup }) });
  const check = (address: string): void => {
    if (!URL.canParse(address)) throw refused('it is none', 'Write it as https://host/path');
    checkAddress(new URL(address), policy);
  };
  return {
    check,
    async fetch(address, { body, ...init }) {
      check(address);
      try {
        // Forms are not sent from here: the two classes of that name would not know each other.
        return await undiciFetch(address, { ...init, dispatcher, ...(typeof body === 'string' && { body }) });
      } catch (error) {
        throw refusalIn(error) ?? error;
      }
    },
    close: () => dispatcher.destroy(),
  };
}
