/** Location of a task's image, judged from the text alone: served by Label Studio, served by others, or never fetched. */
import { ProsamError } from '../../../core/common/errors.ts';

export type ImageAddress =
  /** Served by Label Studio itself, to whom its token may be shown. fallback: where else it may be found. */
  | { from: 'label-studio'; url: string; fallback?: string }
  /** Somewhere else: nobody's token belongs there. */
  | { from: 'elsewhere'; url: string };

const MAX_LETTERS = 8192;
/** Paths of Label Studio that hand out files, and nothing else it offers. */
const SERVED = [
  /^\/data\/upload\/./,
  /^\/data\/local-files\/?$/,
  /^\/storage-data\/uploaded\/?$/,
  /^\/tasks\/\d+\/(?:presign|resolve)\/?$/,
];
const CLOUD = /^(?:s3|gs|azure-blob|azure_spi|databricks):\/\/./i;

/**
 * hostname: address of Label Studio, without a slash at its end. Task data is written by people and imported from anywhere, so that
 * nothing in it is believed.
 * @throws URL_REFUSED
 */
export function imageAddress(value: string, task: number | string, hostname: string): ImageAddress {
  const text = value.trim();
  if (/^data:/i.test(text)) return { from: 'elsewhere', url: text };
  if (text.length === 0 || text.length > MAX_LETTERS) throw refused(`it has ${text.length} characters`, `Use 1 to ${MAX_LETTERS}`);
  if (CLOUD.test(text)) {
    if (hostname === '') throw withoutLabelStudio();
    // Label Studio holds the keys to the bucket; it answers with an address that is signed for a while.
    return {
      from: 'label-studio',
      url: `${hostname}/tasks/${encodeURIComponent(task)}/presign/?fileuri=${Buffer.from(text).toString('base64url')}`,
    };
  }
  if (/^[a-z][a-z0-9+.-]*:/i.test(text)) return absolute(text, hostname);
  // Also "//host/..." and "\\host\...", which would lead to another host.
  if (!/^\/(?![/\\])/.test(text))
    throw refused('it is neither whole nor a path of Label Studio', 'Write it with http:// or https://, or begin with /data/');
  if (hostname === '') throw withoutLabelStudio();
  return served(text, hostname);
}

function absolute(text: string, hostname: string): ImageAddress {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol)) {
    throw refused(
      `${/^[^:]{1,40}:/.exec(text)?.[0] ?? 'such'} addresses are not fetched`,
      'Use http or https, a cloud storage of the project, or upload the image',
    );
  }
  const own = hostname === '' ? undefined : new URL(hostname);
  // Another port, scheme or name is another origin, and gets no token.
  if (own === undefined || url.origin !== own.origin) return { from: 'elsewhere', url: text };
  return served(text.slice(text.indexOf(url.host) + url.host.length).replace(/^(?![/])/, '/'), hostname);
}

/** path: begins with a slash; with the prefix Label Studio may lie under, or without. */
function served(path: string, hostname: string): ImageAddress {
  const base = new URL(hostname);
  const prefix = base.pathname.replace(/\/+$/, '');
  const below = prefix !== '' && path.startsWith(`${prefix}/`) ? path.slice(prefix.length) : path;
  if (climbs(below)) throw refused('it climbs out of its folder', 'Leave out .. and backslashes');
  const url = new URL(`${base.origin}${prefix}${below}`);
  const plain = url.pathname.slice(prefix.length);
  if (!SERVED.some((pattern) => pattern.test(plain))) {
    throw refused(`Label Studio serves no image at ${plain.slice(0, 60)}`, 'Images lie below /data/upload/ or /data/local-files/');
  }
  url.hash = '';
  const upload = /^\/data\/(upload\/.+)$/.exec(plain)?.[1];
  if (upload === undefined) return { from: 'label-studio', url: url.href };
  // With uploads in a cloud bucket only this one answers; on a local disk only the other does.
  const fallback = `${base.origin}${prefix}/storage-data/uploaded/?filepath=${encodeURIComponent(decodeURIComponent(upload))}`;
  return { from: 'label-studio', url: url.href, fallback };
}

/** However often it is encoded. */
function climbs(path: string): boolean {
  for (let text = path, round = 0; round < 4; round++) {
    if (/(?:^|[/\\?=&])\.\.(?:[/\\&#]|$)|\\|\0/.test(text)) return true;
    const decoded = decoded1(text);
    if (decoded === undefined) return true;
    if (decoded === text) return false;
    text = decoded;
  }
  return true;
}

function decoded1(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

function refused(why: string, advice: string): ProsamError {
  return new ProsamError('URL_REFUSED', `The address of the image is refused: ${why}. ${advice}.`);
}

function withoutLabelStudio(): ProsamError {
  return refused('it lies with Label Studio, whose address is not known', 'Set labelStudio.url, or connect the project once more');
}
