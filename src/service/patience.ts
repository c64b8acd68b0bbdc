/** Longest waits of the service for its storage, whichever store is used. */
import { ProsamError } from '../core/common/errors.ts';

/** Stores of this library end their calls sooner; this is for those that do not. */
export const PATIENCE_MS = 120_000;

/** Creates the error of a wait that took too long. what: e.g. "the image 1234". */
export function tooSlow(what: string, waitedMs: number): ProsamError {
  return new ProsamError(
    'STORAGE_TIMEOUT',
    `expected ${what} from the object store or database within ${waitedMs / 1000} s, got none. Try again; if it stays so, check that it answers.`,
  );
}
