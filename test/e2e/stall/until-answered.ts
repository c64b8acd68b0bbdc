/** Calls that must succeed on a store whose bounds are short for a test: a busy machine may need several of them. */
import { isOwnError } from '../../../src/core/common/errors.ts';

/** Asks again as long as the store is too slow; any other failure is thrown. ask: may have been done before it timed out. */
export async function untilAnswered<T>(ask: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      if (!isOwnError(error) || error.code !== 'STORAGE_TIMEOUT') throw error;
    }
  }
}
