/** Errors of the service that may be over soon. */
import type { ErrorCode } from './errors.ts';

/** busy: there was no room, or a store did not answer. closing: this process ends, another may go on. crashed: the work itself may be the cause. */
export type Transience = 'busy' | 'closing' | 'crashed';

const TRANSIENT: Partial<Record<ErrorCode, Transience>> = {
  SERVICE_BUSY: 'busy',
  CLIENT_BUSY: 'busy',
  ENGINE_UNAVAILABLE: 'busy',
  STORAGE_FAILED: 'busy',
  STORAGE_TIMEOUT: 'busy',
  SERVICE_CLOSING: 'closing',
  ENGINE_CLOSED: 'closing',
  ENGINE_CRASHED: 'crashed',
  ENGINE_HUNG: 'crashed',
};

/** undefined: the same work would fail again. */
export function transienceOf(code: ErrorCode): Transience | undefined {
  return TRANSIENT[code];
}
