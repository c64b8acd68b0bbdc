/** Bytes to JSON values. Images in it are taken out first, so that no turn of the event loop has them all to itself. */
import { isAscii } from 'node:buffer';
import { randomUUID } from 'node:crypto';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { messageOf, ProsamError } from '../../../core/common/errors.ts';
import { isUtf8Text } from './join-bytes.ts';
import type { LongString } from './json-structure.ts';

/**
 * For 24 MiB of base64, decoding and parsing the text as one take some 20 and 30 ms, copying the base64 alone some 10. Long strings
 * are therefore parsed as short placeholders that cannot be guessed, and put back afterwards, each in a turn of its own.
 * @throws REQUEST_INVALID
 */
export async function parseJson(bytes: Buffer, longStrings: readonly LongString[]): Promise<unknown> {
  if (!(await isUtf8Text(bytes)))
    throw new ProsamError('REQUEST_INVALID', 'Expected JSON in UTF-8, got bytes that are not. Encode the body as UTF-8.');
  const contents = new Map<string, string>();
  const name = randomUUID();
  let text = '';
  let after = 0;
  for (const { start, end } of longStrings) {
    await nextTurn();
    const content = bytes.subarray(start, end);
    const placeholder = `${name}-${contents.size}`;
    contents.set(placeholder, isAscii(content) ? content.toString('latin1') : content.toString('utf8'));
    text += bytes.toString('utf8', after, start) + placeholder;
    after = end;
  }
  text += bytes.toString('utf8', after);
  await nextTurn();
  const json = parse(text);
  await nextTurn();
  return contents.size === 0 ? json : putBack(json, contents);
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    // The parser quotes what it stumbled over; the text may hold what must not be repeated.
    const place = /at position \d+( \(line \d+ column \d+\))?/.exec(messageOf(cause))?.[0] ?? 'at its end';
    throw new ProsamError(
      'REQUEST_INVALID',
      `Expected JSON, got text that breaks off from it ${place}. Check quotes, commas and brackets.`,
    );
  }
}

/** Changes what it is given. Depth and number of values were bounded when the bytes came in. */
function putBack(value: unknown, contents: ReadonlyMap<string, string>): unknown {
  if (typeof value === 'string') return contents.get(value) ?? value;
  if (typeof value !== 'object' || value === null) return value;
  const holder = value as Record<string, unknown>;
  for (const key of Object.keys(holder)) {
    if (contents.has(key)) throw new ProsamError('REQUEST_INVALID', 'A name in the JSON is longer than 65,535 bytes. Use a shorter one.');
    const one = holder[key];
    if (typeof one === 'string' || typeof one === 'object') holder[key] = putBack(one, contents);
  }
  return value;
}
