/** Requests that hold bytes become multipart forms; all others stay JSON. */

export interface WrittenBody {
  body: string | FormData;
  headers: Record<string, string>;
}

export function writeBody(request: unknown): WrittenBody {
  const files: Blob[] = [];
  const json = JSON.stringify(withoutBytes(request, files));
  if (files.length === 0) return { body: json, headers: { 'content-type': 'application/json' } };
  const body = new FormData();
  body.set('request', json);
  files.forEach((file, i) => body.set(fieldOf(i), file, fieldOf(i)));
  // The boundary is the form's own business: no content type here.
  return { body, headers: {} };
}

function fieldOf(index: number): string {
  return `file${index}`;
}

function withoutBytes(value: unknown, files: Blob[]): unknown {
  if (isBytes(value)) return { file: noted(value, files) };
  if (Array.isArray(value)) return value.map((one) => withoutBytes(one, files));
  if (typeof value !== 'object' || value === null) return value;
  if ('bytes' in value && isBytes(value.bytes)) {
    const { bytes, ...more } = value;
    return { file: noted(bytes, files), ...more };
  }
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, withoutBytes(one, files)]));
}

function isBytes(value: unknown): value is Uint8Array<ArrayBuffer> | Blob {
  return value instanceof Uint8Array || value instanceof Blob;
}

function noted(bytes: Uint8Array<ArrayBuffer> | Blob, files: Blob[]): string {
  files.push(bytes instanceof Blob ? bytes : new Blob([bytes]));
  return fieldOf(files.length - 1);
}
