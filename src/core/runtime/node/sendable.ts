/** Requests in a form that reaches another process: paths for URLs, bytes for Blobs, plain byte arrays for all else. */
import { blobBytes, pathOf } from '../../image/node/source.ts';
import { asBytes } from '../../image/input.ts';

/** Later only where there are Blobs to read. @throws FILE_NOT_FOUND for URLs that are no file:, IMAGE_TOO_LARGE for Blobs */
export function sendable<T>(request: T, maxBytes: number): T | Promise<T> {
  const blobs = new Map<Blob, Uint8Array>();
  findBlobs(request, blobs);
  return blobs.size === 0 ? plain(request, blobs) : withBlobs(request, blobs, maxBytes);
}

async function withBlobs<T>(request: T, blobs: Map<Blob, Uint8Array>, maxBytes: number): Promise<T> {
  for (const blob of blobs.keys()) blobs.set(blob, new Uint8Array(await blobBytes(blob, maxBytes)));
  return plain(request, blobs);
}

function findBlobs(value: unknown, found: Map<Blob, Uint8Array>): void {
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return;
  if (value instanceof Blob) found.set(value, new Uint8Array());
  else for (const item of Object.values(value)) findBlobs(item, found);
}

function plain<T>(value: T, blobs: ReadonlyMap<Blob, Uint8Array>): T {
  if (value instanceof URL) return pathOf(value) as T;
  if (value instanceof Blob) return blobs.get(value) as T;
  if (Array.isArray(value)) return value.map((item) => plain(item as unknown, blobs)) as T;
  if (typeof value !== 'object' || value === null) return value;
  const bytes = asBytes(value);
  if (bytes !== undefined) return bytes as T;
  if (ArrayBuffer.isView(value)) return value;
  const fields = isImageData(value) ? { data: value.data, width: value.width, height: value.height } : value;
  return Object.fromEntries(Object.entries(fields).map(([key, item]) => [key, plain(item as unknown, blobs)])) as T;
}

/** A canvas's, whose fields are getters. */
function isImageData(value: object): value is { data: unknown; width: number; height: number } {
  return 'data' in value && !Object.hasOwn(value, 'data') && 'width' in value && 'height' in value;
}
