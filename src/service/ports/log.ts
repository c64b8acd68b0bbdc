/** Log of the service: three methods, so that any logger fits. */

/** Fields never hold image bytes, credentials or signed addresses. */
export interface Log {
  info(fields: Record<string, unknown>, message: string): void;
  warn(fields: Record<string, unknown>, message: string): void;
  error(fields: Record<string, unknown>, message: string): void;
}

/** For programs that want no log. */
export const silentLog: Log = { info: () => undefined, warn: () => undefined, error: () => undefined };
