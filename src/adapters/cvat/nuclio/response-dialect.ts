/** The form in which a version of CVAT takes an interactor's answer. What is drawn right by one is drawn into the corner by another. */

/**
 * Form of an answer, by the `User-Agent` of the call:
 *
 * | `User-Agent`                                             | form     | because the browser of that version                         |
 * | -------------------------------------------------------- | -------- | ----------------------------------------------------------- |
 * | `CVAT/2.59.x` and before                                 | 'mask'   | knows `mask` cut to `bounds`, and `points`, but no shapes   |
 * | `CVAT/2.60` and later, `2.64.1-alpha` included           | 'shapes' | draws `shapes` as they are, but puts any `mask` at (0, 0)   |
 * | pre-releases of 2.59 and 2.60 (2.60 was 2.59.1-alpha)    | 'either' | may be the old or the new one                               |
 * | none, another program's, unreadable, two that differ     | 'either' | is unknown                                                  |
 *
 * 'either' is a `mask` as large as the image without `bounds`, which all of them draw where it is, and the shapes beside it. It has the
 * height and width that a region of interest (2.70 and later) demands of a mask, and costs two bytes a pixel.
 */
export type ResponseDialect = 'mask' | 'shapes' | 'either';

/** A product of that name, by itself in a header that may hold others; its major and minor number, and what follows them. */
const PRODUCT = /(?<![^\s,;(])CVAT\/v?(\d{1,4})\.(\d{1,4})([^\s,;)]*)/gi;
/** Further numbers, then the name of a pre-release, then that of a build. */
const REST = /^(?:\.\d{1,9})*([-.]?[a-z][a-z0-9.-]*)?(?:\+[a-z0-9.-]*)?$/i;

/** Minor numbers have four digits at most. */
const order = (major: number, minor: number): number => 10_000 * major + minor;
const WITH_SHAPES = order(2, 60);
const LAST_WITHOUT = order(2, 59);

/** userAgent: of the call, as CVAT sends it through the dashboard's address and to a function's own port: `CVAT/2.54.1 python-requests/2.32.4`. */
export function dialectOf(userAgent: string | undefined): ResponseDialect {
  const named = new Set(Array.from((userAgent ?? '').matchAll(PRODUCT), dialectOfProduct));
  const [only = 'either'] = named;
  return named.size === 1 ? only : 'either';
}

function dialectOfProduct([, major, minor, rest = '']: RegExpExecArray): ResponseDialect {
  const read = REST.exec(rest);
  if (read === null) return 'either';
  const version = order(Number(major), Number(minor));
  const preRelease = read[1] !== undefined;
  if (preRelease && (version === WITH_SHAPES || version === LAST_WITHOUT)) return 'either';
  return version >= WITH_SHAPES ? 'shapes' : 'mask';
}
