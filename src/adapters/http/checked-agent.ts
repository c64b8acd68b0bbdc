/** An HTTP client whose every connection goes to an address that was checked, whatever its name answers the next time. */
import { lookup as systemLookup, type LookupAddress } from 'node:dns';
import { isIP, type LookupFunction } from 'node:net';
import { Agent, buildConnector } from 'undici';
import { leadsInside, type AddressPolicy } from './address-check.ts';

/** Answers with all addresses of a name. */
export type Lookup = (hostname: string) => Promise<readonly LookupAddress[]>;

const lookupAll: Lookup = (hostname) =>
  new Promise((resolve, reject) => {
    systemLookup(hostname, { all: true }, (error, addresses) => {
      if (error) reject(error);
      else resolve(addresses);
    });
  });

export interface AgentOptions {
  policy: AddressPolicy;
  /** To connect, and to begin with an answer. */
  timeoutMs: number;
  /** @default the system's */
  lookup?: Lookup;
}

/** The names of redirects pass through here too: there is no other way to a socket. */
export function createCheckedAgent({ policy, timeoutMs, lookup = lookupAll }: AgentOptions): Agent {
  return new Agent({
    connections: 16,
    pipelining: 1,
    keepAliveTimeout: 4000,
    // Decides nothing alone: bodies have a limit on the whole, however slowly they trickle.
    headersTimeout: timeoutMs,
    maxHeaderSize: 16 * 1024,
    connect: (options, callback) => {
      const { hostname } = options;
      const port = Number(options.port) || (options.protocol === 'https:' ? 443 : 80);
      const trusted = policy.trusts(hostname, port);
      const good = (address: string): boolean => trusted || policy.permits(address);
      // A literal address is connected to without any lookup.
      if (isIP(hostname.replace(/^\[|\]$/g, '')) !== 0 && !good(hostname)) {
        callback(leadsInside(hostname), null);
        return;
      }
      const connect = buildConnector({ timeout: timeoutMs, lookup: checkedLookup(lookup, good) });
      connect(options, (...result) => {
        const [error, socket] = result;
        if (error === null && (socket.remoteAddress === undefined || !good(socket.remoteAddress))) {
          socket.destroy();
          callback(leadsInside(hostname), null);
        } else callback(...result);
      });
    },
  });
}

/** Only good addresses are handed on; what is connected to is what was checked. */
function checkedLookup(lookup: Lookup, good: (address: string) => boolean): LookupFunction {
  return (hostname, options, callback) => {
    lookup(hostname).then(
      (addresses) => {
        const family = options.family === 4 || options.family === 6 ? options.family : undefined;
        const usable = addresses.filter((one) => good(one.address) && (family === undefined || one.family === family));
        const [first] = usable;
        if (first === undefined) callback(leadsInside(hostname), '');
        else if (options.all === true) callback(null, usable);
        else callback(null, first.address, first.family);
      },
      (error: unknown) => callback(error as NodeJS.ErrnoException, ''),
    );
  };
}
