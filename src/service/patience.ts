/** How long the service waits for what it keeps, whoever wrote the store. */
import { ProsamError } from '../core/common/errors.ts';

/** Stores of this library end their calls sooner; this is for those that do not. */
export const PATIENCE_MS = 120_000;

/** what: e.g. "the image 1234". */
export function tooSlow(what: string, waitedMs: number): ProsamError {
  return new ProsamError(
    'STORAGE_TIMEOUT',
    `expected ${what} from the object store or database within ${waitedMs / 1000} s, got none. Try again; if it stays so, check that it answers.`,
  );
}
