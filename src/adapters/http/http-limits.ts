/** Size and time bounds of every request, unless its route has its own. */
import { ProsamError } from '../../core/common/errors.ts';
import { DEFAULT_JSON_LIMITS, type JsonLimits } from './body/json-structure.ts';

export interface HttpLimits {
  /** Largest body; of JSON, see json.bytes. @default 32 MiB */
  maxBodyBytes: number;
  /** For a body to arrive, from when it is asked for. @default 60,000 */
  bodyTimeoutMs: number;
  /** Longest silence while it arrives. @default 15,000 */
  bodyIdleMs: number;
  /** For an answer, once the body is there; 0 = none. @default 60,000 */
  deadlineMs: number;
  /** Between two signs of life on an event stream. @default 15,000 */
  heartbeatMs: number;
  json: JsonLimits;
}

const DEFAULT_HTTP_LIMITS: HttpLimits = {
  maxBodyBytes: 32 * 2 ** 20,
  bodyTimeoutMs: 60_000,
  bodyIdleMs: 15_000,
  deadlineMs: 60_000,
  heartbeatMs: 15_000,
  json: DEFAULT_JSON_LIMITS,
};

/** Defaults for what is not set. @throws CONFIG_INVALID */
export function httpLimits(options: Partial<Omit<HttpLimits, 'json'>> & { json?: Partial<JsonLimits> }): HttpLimits {
  const limits = { ...DEFAULT_HTTP_LIMITS, ...options, json: { ...DEFAULT_JSON_LIMITS, ...options.json } };
  const { json, ...others } = limits;
  for (const [name, value] of Object.entries({ ...others, ...json })) {
    const least = name === 'deadlineMs' ? 0 : 1;
    if (Number.isSafeInteger(value) && value >= least) continue;
    throw new ProsamError('CONFIG_INVALID', `${name}: expected a whole number of at least ${least}, got ${value}.`);
  }
  return limits;
}
