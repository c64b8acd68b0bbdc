/** Names of requests: the caller's own where it is harmless, a random one otherwise. */
import { randomUUID } from 'node:crypto';

/** Goes into headers, logs and answers as it is. */
const HARMLESS = /^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$/;

export function requestIdOf(header: string | readonly string[] | undefined): string {
  return typeof header === 'string' && HARMLESS.test(header) ? header : randomUUID();
}
