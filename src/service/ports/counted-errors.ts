/** Failures counted by their code: once, although a call of the service and the adapter that made it both see them. */
import type { ServiceMetrics } from './metrics.ts';

/** Failures that were counted. */
const counted = new WeakSet();

/** Counts a failure of a call, each time it fails. */
export function countCall(metrics: Pick<ServiceMetrics, 'error'>, error: unknown, code: string): void {
  if (typeof error === 'object' && error !== null) counted.add(error);
  metrics.error(code);
}

/** Counts a failure of an adapter's own work once, and not where it came from a call that has counted it. */
export function countOwn(metrics: Pick<ServiceMetrics, 'error'>, error: unknown, code: string): void {
  if (typeof error === 'object' && error !== null && counted.has(error)) return;
  countCall(metrics, error, code);
}
