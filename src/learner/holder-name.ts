/** Name of a learner in the store: no two share one. */
import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';

export function holderName(): string {
  return `${hostname()}:${process.pid}:${randomBytes(4).toString('hex')}`;
}
