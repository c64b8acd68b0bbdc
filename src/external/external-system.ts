/** Systems outside that segment, by their address or command: the method 'external' (docs/concepts/external.md). */
import { ProsamError } from '../core/common/errors.ts';
import type { ExternalSystem } from '../core/engine/methods/external/port.ts';
import { wordsOf } from './command-line.ts';
import { createCommandTransport } from './command-transport.ts';
import { createHttpTransport } from './http-transport.ts';
import { DEFAULT_EXTERNAL_BYTES, DEFAULT_EXTERNAL_TIMEOUT_MS, EXTERNAL_BOUNDS } from './limits.ts';

export interface ExternalSystemOptions {
  /** For one message, in ms: 1 to 300,000. @default 120,000 */
  timeoutMs?: number;
  /** Largest answer, in bytes: 1,000 to 256 MiB. @default 16 MiB */
  maxBytes?: number;
  /** Called with each line that a command prints on its standard error. @default printed on this process's */
  log?: (line: string) => void;
  /**
   * Names of environment variables that a command gets beside the usual ones (paths, languages, threads and GPUs, proxies, Python).
   * @default []
   */
  environment?: readonly string[];
}

/**
 * A system for `createEngine({ external })`. Nothing is asked or started before the method 'external' is.
 *
 * place: an http or https address, or a command line (quotes hold words together, no shell reads it), or its words. Private addresses are
 * allowed: it is never a request that names the place.
 * @throws OPTION_INVALID
 * @example
 * const engine = await createEngine({ external: externalSystem('http://127.0.0.1:8700') });
 * const { masks } = await engine.predict('target.jpg', references, { method: 'external' });
 */
export function externalSystem(place: string | readonly string[], options: ExternalSystemOptions = {}): ExternalSystem {
  const { timeoutMs = DEFAULT_EXTERNAL_TIMEOUT_MS, maxBytes = DEFAULT_EXTERNAL_BYTES, environment = [], log } = options;
  within('timeoutMs', timeoutMs, EXTERNAL_BOUNDS.timeoutMs);
  within('maxBytes', maxBytes, EXTERNAL_BOUNDS.maxBytes);
  if (typeof place === 'string' && /^https?:\/\//i.test(place)) {
    const url = addressOf(place);
    return { place: url.href, open: () => createHttpTransport(url, { timeoutMs, maxBytes }) };
  }
  const [file, ...args] = typeof place === 'string' ? wordsOf(place) : place;
  if (file === undefined || file === '')
    throw new ProsamError('OPTION_INVALID', 'external: expected an address or a command, got nothing.');
  return {
    place: [file, ...args].join(' '),
    open: () => createCommandTransport([file, ...args], { timeoutMs, maxBytes, environment, ...(log && { log }) }),
  };
}

/** @throws OPTION_INVALID for an address with something that would be a credential */
function addressOf(place: string): URL {
  const url = URL.canParse(place) ? new URL(place) : undefined;
  if (url && url.username === '' && url.password === '' && url.search === '' && url.hash === '') return url;
  throw new ProsamError(
    'OPTION_INVALID',
    `external: expected an address such as http://127.0.0.1:8700/segment, without user, password and query, got ${
      url ? `one on ${url.host} with more` : 'none that can be read'
    }. No credentials are sent.`,
  );
}

function within(name: string, value: number, { low, high }: { low: number; high: number }): void {
  if (Number.isInteger(value) && value >= low && value <= high) return;
  throw new ProsamError('OPTION_INVALID', `external: ${name}: expected a whole number from ${low} to ${high}, got ${value}.`);
}
