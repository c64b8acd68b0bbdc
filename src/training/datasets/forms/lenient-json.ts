/** JSON as tools write it: with a byte-order mark, and with Python's NaN and Infinity, which become null. */
import { readFile, stat } from 'node:fs/promises';
import { messageOf, ProsamError } from '../../../core/common/errors.ts';

/** Files that are read as a whole; larger ones would not fit a string. */
const MAX_BYTES = 256 * 2 ** 20;

/** @throws SyntaxError */
export function parseLenient(text: string): unknown {
  const plain = text.startsWith('\uFEFF') ? text.slice(1) : text;
  try {
    return JSON.parse(plain) as unknown;
  } catch (error) {
    if (!/NaN|Infinity/.test(plain)) throw error;
    return JSON.parse(withoutSpecials(plain)) as unknown;
  }
}

/** The words outside strings become null. */
function withoutSpecials(text: string): string {
  const parts: string[] = [];
  let at = 0;
  while (at < text.length) {
    const quote = text.indexOf('"', at);
    const end = quote < 0 ? text.length : quote;
    parts.push(text.slice(at, end).replace(/-?\b(?:NaN|Infinity)\b/g, 'null'));
    if (quote < 0) break;
    let close = quote + 1;
    while (close < text.length && text[close] !== '"') close += text[close] === '\\' ? 2 : 1;
    parts.push(text.slice(quote, close + 1));
    at = close + 1;
  }
  return parts.join('');
}

/** A text file without its byte-order mark. @throws DATASET_INVALID for one that is too large or cannot be read */
export async function readWhole(file: string, maxBytes = MAX_BYTES): Promise<string> {
  try {
    const { size } = await stat(file);
    if (size > maxBytes) throw new Error(`it has ${size} bytes, at most ${maxBytes} are read`);
    return (await readFile(file, 'utf8')).replace(/^\uFEFF/, '');
  } catch (cause) {
    throw new ProsamError('DATASET_INVALID', `${file}: cannot be read: ${messageOf(cause)}. Replace it.`, { cause });
  }
}

/** @throws DATASET_INVALID */
export async function readJson(file: string): Promise<unknown> {
  const text = await readWhole(file);
  try {
    return parseLenient(text);
  } catch (cause) {
    throw new ProsamError('DATASET_INVALID', `${file}: expected JSON, but ${messageOf(cause)}. Copy or export the file again.`, { cause });
  }
}

/** Fields of what is an object and no list. */
export function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {};
}

export function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

/** A text that is not empty, or undefined. */
export function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

/** A finite number, or undefined. */
export function numberOf(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined;
}
