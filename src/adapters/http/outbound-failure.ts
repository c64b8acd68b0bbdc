/** Failures of outbound calls: refusals of our own found again, reasons that name no addresses, and redirects. */
import { isOwnError, messageOf, type ProsamError } from '../../core/common/errors.ts';

const MAX_CAUSES = 5;
const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);

/** A refusal of ours (URL_REFUSED of the checked agent), however deep the HTTP client wrapped it. */
export function refusalIn(error: unknown): ProsamError | undefined {
  for (let at: unknown = error, depth = 0; at instanceof Error && depth < MAX_CAUSES; at = at.cause, depth++) {
    if (isOwnError(at)) return at;
    const inner = at instanceof AggregateError ? (at.errors as unknown[]).find(isOwnError) : undefined;
    if (inner !== undefined) return inner;
  }
  return undefined;
}

/** Reason for a connection that failed: a code where there is one, since messages of the network may hold addresses and keys. */
export function connectionReason(error: unknown): string {
  const { code } = ((error as { cause?: unknown } | null)?.cause ?? error ?? {}) as { code?: unknown };
  const own = (error as { code?: unknown } | null)?.code;
  const known = typeof code === 'string' ? code : typeof own === 'string' ? own : (messageOf(error).split(/[\s:]/, 1)[0] ?? '');
  return `the connection failed (${known})`;
}

/** Address a response redirects to; undefined where it does not redirect, null where it names no address. */
export function redirectTarget(status: number, location: string | null | undefined, from: URL): URL | null | undefined {
  if (!REDIRECTS.has(status)) return undefined;
  return typeof location === 'string' && URL.canParse(location, from.href) ? new URL(location, from) : null;
}
