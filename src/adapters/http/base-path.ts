/** A service below a path of somebody else's address: its own paths are what comes after that. */
import { ProsamError } from '../../core/common/errors.ts';

/** '/tools/prosam': segments of harmless characters, each beginning with a letter or digit, so that none is `.` or `..`. */
const BASE_PATH = /^(?:\/[A-Za-z0-9_~-][A-Za-z0-9._~-]*){1,20}$/;
const LONGEST = 200;

/** Destination of a request: the path below the base, or the page's own address with the slash that relative links need. */
export type Below = { path: string } | { redirect: string };

/**
 * The path in one spelling: a slash before it, none after it; '' for none.
 * @throws CONFIG_INVALID
 */
export function parseBasePath(text: string): string {
  const path = text.replace(/\/+$/, '');
  if (path === '' || isBasePath(path)) return path;
  throw new ProsamError(
    'CONFIG_INVALID',
    `http.basePath: expected a path such as /tools/prosam (letters, digits, . _ ~ -, at most ${LONGEST} characters), got ${JSON.stringify(text)}.`,
  );
}

/**
 * Takes the base off the path of a request, where it is there: some proxies leave it, others remove it.
 * url: path and query, as in the first line of a request.
 */
export function belowBase(url: string, base: string): Below {
  if (base === '' || !url.startsWith(base)) return { path: url };
  const rest = url.slice(base.length);
  if (rest === '' || rest.startsWith('?')) return { redirect: `${base}/${rest}` };
  return { path: rest.startsWith('/') ? rest : url };
}

/** Path that a trusted proxy says it has taken off (X-Forwarded-Prefix); undefined where that is no path. */
export function forwardedPrefix(header: string | readonly string[] | undefined): string | undefined {
  const text = typeof header === 'string' ? header.split(',', 1)[0]?.trim().replace(/\/+$/, '') : undefined;
  return text !== undefined && isBasePath(text) ? text : undefined;
}

function isBasePath(text: string): boolean {
  return text.length <= LONGEST && BASE_PATH.test(text);
}
