/**
 * Mark inside every file the commands write: its origin, and a hash of the rest. It identifies a file wherever it is moved to, and
 * separates files that were changed since from those that may be made again. PNG files carry it as a text chunk, JSON as its first
 * field, pages as a comment.
 */
import { createHash } from 'node:crypto';
import { open, stat } from 'node:fs/promises';
import { crc32 } from 'node:zlib';
import * as z from 'zod';

const digits = z.string().regex(/^[0-9a-f]{1,64}$/);
const madeSchema = z.object({
  /** Kind of the file: an image may be an input of another command, a result never is. */
  what: z.enum(['result', 'picture']),
  /** Hash of the subject, such as the image a mask belongs to: the same for every way to make the file. */
  from: digits,
  /** Hash of everything the content depends on. */
  stamp: digits,
});
const markSchema = madeSchema.extend({ content: digits });

export type Made = z.output<typeof madeSchema>;

export interface Mark extends Made {
  /** Whether the rest of the file is unchanged. */
  intact: boolean;
}

const KEYWORD = 'prosam';
const PNG_SIGNATURE = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
const JSON_MARK = /^\{"prosam":(\{[^{}]{0,400}\}),/;
const PAGE_START = '<!doctype html>\n';
const PAGE_MARK = /^<!doctype html>\n<!-- prosam (\{[^{}]{0,400}\}) -->\n/;

/** Hash of a JSON value, for `from` and `stamp`. */
export function hashOf(value: unknown): string {
  return createHash('sha256').update(JSON.stringify(value)).digest('hex');
}

/** Adds the mark to a file. data: PNG, an object as JSON, or a page of HTML. */
export function marked(data: Uint8Array | string, made: Made): Uint8Array | string {
  const text = JSON.stringify({ what: made.what, from: made.from, stamp: made.stamp, content: contentHash(data) });
  if (typeof data !== 'string') {
    const header = PNG_SIGNATURE.length + chunkLength(Buffer.from(data), PNG_SIGNATURE.length);
    return Buffer.concat([data.subarray(0, header), textChunk(text), data.subarray(header)]);
  }
  if (data.startsWith(PAGE_START)) return `${PAGE_START}<!-- prosam ${text} -->\n${data.slice(PAGE_START.length)}`;
  return `{"prosam":${text},${data.slice(1)}`;
}

/** Reads the mark of a whole file; undefined for a file that prosam did not make. */
export function markOf(file: Uint8Array): Mark | undefined {
  const bytes = Buffer.from(file.buffer, file.byteOffset, file.byteLength);
  const found = pngMark(bytes) ?? textMark(bytes);
  return found && { ...found.made, intact: contentHash(found.rest) === found.content };
}

/** Bytes at the beginning of a file that contain its mark. */
const START_BYTES = 1 << 16;

/** Reads the mark from the beginning of a file; undefined also where there is no file or it cannot be read. */
export async function markAtStart(path: string): Promise<Made | undefined> {
  // Opening a pipe would wait for a writer.
  if (!(await stat(path).catch(() => undefined))?.isFile()) return undefined;
  const handle = await open(path, 'r').catch(() => undefined);
  if (handle === undefined) return undefined;
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(START_BYTES), 0, START_BYTES, 0);
    const start = buffer.subarray(0, bytesRead);
    return (pngMark(start) ?? textMark(start))?.made;
  } catch {
    return undefined;
  } finally {
    await handle.close();
  }
}

interface Found {
  made: Made;
  content: string;
  /** The file without its mark. */
  rest: Buffer;
}

function pngMark(bytes: Buffer): Found | undefined {
  if (!bytes.subarray(0, PNG_SIGNATURE.length).equals(PNG_SIGNATURE)) return undefined;
  for (let at = PNG_SIGNATURE.length; at + 12 <= bytes.length; at += chunkLength(bytes, at)) {
    const kind = bytes.toString('latin1', at + 4, at + 8);
    if (kind === 'IDAT') return undefined;
    const chunk = bytes.subarray(at, at + chunkLength(bytes, at));
    const data = chunk.subarray(8, -4);
    if (kind !== 'tEXt' || !data.toString('latin1').startsWith(`${KEYWORD}\0`)) continue;
    const rest = Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + chunk.length)]);
    return foundIn(data.toString('latin1', KEYWORD.length + 1), () => rest);
  }
  return undefined;
}

function textMark(bytes: Buffer): Found | undefined {
  const [json, page] = [JSON_MARK, PAGE_MARK].map((pattern) => pattern.exec(bytes.toString('utf8', 0, 1000)));
  if (json) return foundIn(json[1] as string, () => Buffer.concat([Buffer.from('{'), bytes.subarray(json[0].length)]));
  if (page) return foundIn(page[1] as string, () => Buffer.concat([Buffer.from(PAGE_START), bytes.subarray(page[0].length)]));
  return undefined;
}

function foundIn(text: string, rest: () => Buffer): Found | undefined {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return undefined;
  }
  const { success, data } = markSchema.safeParse(json);
  if (!success) return undefined;
  const { content, ...made } = data;
  return { made, content, rest: rest() };
}

function contentHash(data: Uint8Array | string): string {
  return createHash('sha256').update(data).digest('hex');
}

/** Length of the chunk at a position: length, kind, data and checksum. */
function chunkLength(bytes: Buffer, at: number): number {
  return bytes.readUInt32BE(at) + 12;
}

function textChunk(text: string): Buffer {
  const body = Buffer.from(`tEXt${KEYWORD}\0${text}`, 'latin1');
  const chunk = Buffer.alloc(body.length + 8);
  chunk.writeUInt32BE(body.length - 4, 0);
  body.copy(chunk, 4);
  chunk.writeUInt32BE(crc32(body), body.length + 4);
  return chunk;
}
