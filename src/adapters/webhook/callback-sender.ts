/** Sends to addresses users gave: under the rules of images, without following redirects, and without keeping answers. */
import { isOwnError, messageOf, ProsamError } from '../../core/common/errors.ts';
import { checkAddress, createAddressPolicy, refused } from '../http/address-check.ts';
import { createCheckedAgent, type Lookup } from '../http/checked-agent.ts';

export interface SenderOptions {
  /** Private hosts that may be told: 'name', 'name:port', an address, or a range such as '10.1.0.0/16'. @default none */
  allowHosts?: readonly string[];
  /** Ports of all other hosts. @default 80 and 443 */
  allowPorts?: readonly number[];
  /** How names become addresses. @default the system's way */
  lookup?: Lookup;
}

export interface CallbackSender {
  /** Refuses what can be told from the address alone. @throws URL_REFUSED */
  check(url: string): void;
  /** Status of the answer. @throws URL_REFUSED, URL_FAILED */
  post(url: string, request: { headers: Readonly<Record<string, string>>; body: string; signal: AbortSignal }): Promise<number>;
  close(): Promise<void>;
}

/** To connect, and to begin with an answer; each delivery has a limit of its own below it. */
const TIMEOUT_MS = 60_000;

/** @throws CONFIG_INVALID for an entry of allowHosts that is none */
export function createCallbackSender({ allowHosts = [], allowPorts = [80, 443], lookup }: SenderOptions): CallbackSender {
  const policy = createAddressPolicy(allowHosts, allowPorts);
  const agent = createCheckedAgent({ policy, timeoutMs: TIMEOUT_MS, ...(lookup && { lookup }) });
  const checked = (text: string): URL => {
    if (!URL.canParse(text)) throw refused('it is none', 'Write it as https://host/path');
    const url = new URL(text);
    checkAddress(url, policy);
    return url;
  };
  return {
    check: (url) => void checked(url),
    async post(text, { headers, body, signal }) {
      const url = checked(text);
      try {
        const answer = await agent.request({
          ...{ origin: url.origin, path: url.pathname + url.search, method: 'POST' },
          ...{ headers: { ...headers, 'user-agent': 'prosam' }, body, signal },
        });
        // Breaking it off is cheaper than taking in what nobody reads; that it broke is no news.
        answer.body.on('error', () => undefined).destroy();
        return answer.statusCode;
      } catch (error) {
        throw refusalIn(error) ?? failed(url, error);
      }
    },
    close: () => agent.destroy(),
  };
}

/** A refusal of the connection, however deep the client wrapped it. */
function refusalIn(error: unknown): ProsamError | undefined {
  for (let at = error, depth = 0; at instanceof Error && depth < 5; at = at.cause, depth++) {
    if (isOwnError(at)) return at;
  }
  return undefined;
}

/** Messages of the network may hold addresses that are nobody's business. */
function failed(url: URL, cause: unknown): ProsamError {
  const { code, name } = cause as { code?: unknown; name?: unknown };
  const why =
    name === 'TimeoutError' ? 'it took too long' : typeof code === 'string' ? code : (messageOf(cause).split(/[\s:]/, 1)[0] ?? '');
  return new ProsamError('URL_FAILED', `${url.origin} did not take the callback (${why}). Check that this machine can reach it.`, {
    cause,
  });
}
