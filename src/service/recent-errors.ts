/** Recent errors of the service, for operators. */
import { isProsamError, messageOf } from '../core/common/errors.ts';
import { countCall, countOwn } from './ports/counted-errors.ts';
import type { ServiceMetrics } from './ports/metrics.ts';
import type { ErrorReport } from './types.ts';

const MAX_REPORTS = 50;
/** Code of errors that have none of their own. */
const UNFORESEEN = 'ENGINE_FAILED';

/** List of errors, each of which the metrics count once under the same code; they count refusals, too. */
export interface ErrorList {
  report: (error: unknown, where: string) => void;
  /** Runs work and passes on what it throws: failures that are not the caller's doing are listed, and every code is counted. */
  listed: <T>(where: string, work: () => Promise<T>) => Promise<T>;
  /** Newest first. */
  list: () => ErrorReport[];
}

export function createErrorList(now: () => number, metrics: Pick<ServiceMetrics, 'error'>): ErrorList {
  const reports: ErrorReport[] = [];
  /** One failure passes several places that tell of it. */
  const reported = new WeakSet();
  const list = (error: unknown, where: string): void => {
    if (typeof error === 'object' && error !== null) {
      if (reported.has(error)) return;
      reported.add(error);
    }
    reports.unshift({ createdMs: now(), code: codeOf(error), message: messageOf(error), where });
    reports.length = Math.min(reports.length, MAX_REPORTS);
  };
  return {
    report(error, where) {
      countOwn(metrics, error, codeOf(error));
      list(error, where);
    },
    async listed(where, work) {
      try {
        return await work();
      } catch (error) {
        const expected = error instanceof Error && (error.name === 'AbortError' || error.name === 'TimeoutError');
        if (!expected) {
          countCall(metrics, error, codeOf(error));
          if (!isProsamError(error) || error.status >= 500) list(error, where);
        }
        throw error;
      }
    },
    list: () => [...reports],
  };
}

function codeOf(error: unknown): string {
  return isProsamError(error) ? error.code : UNFORESEEN;
}
