/** Log fields without what must not be written down: image bytes, credentials, signed addresses. */

/** Characters of one text, entries of one list or object, and levels that are written. */
const MAX_TEXT = 2000;
const MAX_ENTRIES = 30;
const MAX_DEPTH = 5;

const SECRET_NAME = /authorization|cookie|token|secret|password|signature|credential|api[-_]?key|challenge/i;
/** Everything an address can carry besides where it leads. */
const ADDRESS = /\b(https?|wss?|postgres|postgresql|s3):\/\/[^\s"'<>]{1,2000}/gi;
const CREDENTIAL = /\b(Bearer|Basic) +[\w.~+/=-]+/gi;
const SIGNATURE = /\bv1=[0-9a-f]{64}/gi;

/** Safe to write; same shape, bounded. */
export function redact(value: unknown, depth = 0): unknown {
  if (typeof value === 'string') return redactText(value);
  if (typeof value === 'bigint') return String(value);
  if (typeof value !== 'object' || value === null) return typeof value === 'function' || typeof value === 'symbol' ? undefined : value;
  if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) return `[${value.byteLength} bytes]`;
  if (value instanceof Date) return value.toISOString();
  if (depth >= MAX_DEPTH) return '[deeper]';
  if (value instanceof Error) return redactError(value, depth);
  if (Array.isArray(value)) {
    const shown = value.slice(0, MAX_ENTRIES).map((one) => redact(one, depth + 1));
    return value.length > MAX_ENTRIES ? [...shown, `[${value.length - MAX_ENTRIES} more]`] : shown;
  }
  const entries: [string, unknown][] = [];
  for (const [name, one] of Object.entries(value).slice(0, MAX_ENTRIES)) {
    entries.push([name, SECRET_NAME.test(name) && one !== undefined && one !== null ? '[hidden]' : redact(one, depth + 1)]);
  }
  return Object.fromEntries(entries);
}

/** Addresses lose query, fragment and credentials; images inside texts and everything beyond the limit are left out. */
export function redactText(text: string): string {
  if (/^data:/i.test(text)) return `[data: address of ${text.length} characters]`;
  const start = text.slice(0, MAX_TEXT);
  const clean = start.replace(ADDRESS, withoutSecrets).replace(CREDENTIAL, '$1 [hidden]').replace(SIGNATURE, 'v1=[hidden]');
  return text.length > MAX_TEXT ? `${clean}... [${text.length} characters]` : clean;
}

/** Scheme, host and path of an address; what cannot be read as one is left out whole. */
function withoutSecrets(address: string): string {
  if (!URL.canParse(address)) return '[address]';
  const { protocol, host, pathname } = new URL(address);
  return `${protocol}//${host}${pathname}`;
}

function redactError(error: Error, depth: number): Record<string, unknown> {
  const { name, message, stack, cause } = error;
  const code = (error as { code?: unknown }).code;
  return {
    name,
    ...(typeof code === 'string' || typeof code === 'number' ? { code } : {}),
    message: redactText(message),
    ...(stack === undefined ? {} : { stack: redactText(stack) }),
    ...(cause === undefined ? {} : { cause: redact(cause, depth + 1) }),
  };
}
