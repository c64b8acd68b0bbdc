/** The last things that went wrong, for people who look after the service. */
import { isProsamError, messageOf } from '../core/common/errors.ts';
import type { ErrorReport } from './types.ts';

const MOST = 50;

export interface ErrorList {
  report: (error: unknown, where: string) => void;
  /** Newest first. */
  list: () => ErrorReport[];
}

export function createErrorList(now: () => number): ErrorList {
  const reports: ErrorReport[] = [];
  return {
    report(error, where) {
      const code = isProsamError(error) ? error.code : 'ENGINE_FAILED';
      reports.unshift({ createdMs: now(), code, message: messageOf(error), where });
      reports.length = Math.min(reports.length, MOST);
    },
    list: () => [...reports],
  };
}
