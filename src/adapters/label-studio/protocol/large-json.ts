/**
 * JSON with thousands of tasks and masks as lists of numbers, read without keeping the event loop from others: lists of bytes are
 * taken out of the text as bytes, and what the lists at the top hold is parsed one by one.
 */
import { randomUUID } from 'node:crypto';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { ProsamError } from '../../../core/common/errors.ts';
import { createJsonScan, JSON_TOKEN } from '../../../core/common/json-scan.ts';
import { runSteps, type Steps } from '../../../core/mask/cooperative.ts';
import { isUtf8Text, joinBytes } from '../../http/body/join-bytes.ts';
import { createJsonWatch } from '../../http/body/json-structure.ts';
import { parseJson } from '../../http/body/parse-json.ts';

interface Span {
  start: number;
  end: number;
}

interface ByteList extends Span {
  bytes: Uint8Array;
}

interface ListAtTop extends Span {
  elements: Span[];
}

/** Shorter ones are as good as they are. */
const MIN_LIST = 32;
const MAX_ELEMENTS = 100_000;
const MAX_DEPTH = 64;
/** Text parsed between two turns of the event loop. */
const TURN_BYTES = 2 ** 17;
const { comma: COMMA, openList: OPEN_LIST, closeList: CLOSE_LIST, openObject: OPEN_OBJECT, closeObject: CLOSE_OBJECT } = JSON_TOKEN;
const SPACES: ReadonlySet<number> = new Set([0x20, 0x0a, 0x0d, 0x09]);

/**
 * Lists of 32 and more whole numbers from 0 to 255 come out as Uint8Array, everything else as JSON.parse would have it.
 * @throws REQUEST_INVALID for what is not JSON, REQUEST_TOO_LARGE for single tasks (without their masks) that are
 */
export async function parseLargeJson(bytes: Buffer, signal?: AbortSignal): Promise<unknown> {
  if (bytes.byteLength === 0) return undefined;
  if (!(await isUtf8Text(bytes)))
    throw new ProsamError('REQUEST_INVALID', 'Expected JSON in UTF-8, got bytes that are not. Encode the body as UTF-8.');
  const { byteLists, listsAtTop } = await runSteps(scan(bytes), signal);
  const name = randomUUID();
  let nextList = 0;
  let sinceTurn = 0;
  /** The text between, with a placeholder for each list of bytes. */
  const parsePart = async (start: number, end: number, holes: readonly { span: Span; value: unknown }[] = []): Promise<unknown> => {
    const put = new Map<string, unknown>();
    const pieces: Buffer[] = [];
    let from = start;
    const replace = ({ start: holeStart, end: holeEnd }: Span, value: unknown): void => {
      const placeholder = `${name}-${put.size}`;
      put.set(placeholder, value);
      pieces.push(bytes.subarray(from, holeStart), Buffer.from(`"${placeholder}"`));
      from = holeEnd;
    };
    let hole = 0;
    for (;;) {
      const list = byteLists[nextList];
      const open = holes[hole];
      if (open !== undefined && (list === undefined || list.start >= open.span.start)) {
        replace(open.span, open.value);
        hole++;
      } else if (list !== undefined && list.end <= end) {
        if (list.start >= from) replace(list, list.bytes);
        nextList++;
      } else break;
    }
    pieces.push(bytes.subarray(from, end));
    const text = await joinBytes(pieces);
    const watch = createJsonWatch();
    // Piece by piece: what is too much is found where it begins.
    for (let at = 0; at < text.byteLength; at += TURN_BYTES) {
      if (at > 0) await nextTurn();
      watch.see(text.subarray(at, at + TURN_BYTES));
    }
    sinceTurn += text.byteLength;
    if (sinceTurn > TURN_BYTES) {
      sinceTurn = 0;
      signal?.throwIfAborted();
      await nextTurn();
    }
    const json = watch.longStrings.length > 0 || text.byteLength > TURN_BYTES ? await parseJson(text, watch.longStrings) : parse(text);
    return put.size === 0 ? json : putBack(json, put);
  };

  const holes: { span: Span; value: unknown }[] = [];
  for (const list of listsAtTop) {
    // Those before it lie outside of any list at the top; they are replaced at the end.
    while (nextList < byteLists.length && (byteLists[nextList] as ByteList).start < list.start) nextList++;
    const value: unknown[] = [];
    for (const { start, end } of list.elements) value.push(await parsePart(start, end));
    holes.push({ span: list, value });
  }
  nextList = 0;
  return parsePart(0, bytes.byteLength, holes);
}

/** Finds the lists. Does not validate JSON: each part is parsed afterwards. */
function* scan(bytes: Buffer): Steps<{ byteLists: ByteList[]; listsAtTop: ListAtTop[] }> {
  const byteLists: ByteList[] = [];
  const listsAtTop: ListAtTop[] = [];
  let elements = 0;
  let depth = 0;
  let current: ListAtTop | undefined;
  let elementStart = 0;
  /** Whether anything but spaces came since the element began. */
  let some = false;
  const endElement = (list: ListAtTop, at: number): void => {
    if (++elements > MAX_ELEMENTS)
      throw new ProsamError('REQUEST_TOO_LARGE', `Expected lists of at most ${MAX_ELEMENTS} elements, got more. Send less at a time.`);
    // Between two commas there must be something: nothing is what the parser refuses.
    if (list.elements.length > 0 || bytes[at] === COMMA || some) list.elements.push({ start: elementStart, end: at });
    elementStart = at + 1;
    some = false;
  };
  const json = createJsonScan();
  /** Bytes of the text before this piece that the scan did not see; negative for those it saw twice. */
  let leftOut = 0;
  let nextPause = TURN_BYTES;
  for (let from = 0; from < bytes.length;) {
    if (from >= nextPause) {
      nextPause = from + TURN_BYTES / 2;
      yield;
    }
    const end = Math.min(from + TURN_BYTES, bytes.length);
    json.feed(bytes.subarray(from, end));
    from = end;
    for (let token = json.next(); token !== undefined; token = json.next()) {
      const at = leftOut + json.at();
      some ||= json.afterScalar();
      if (token === OPEN_OBJECT || token === OPEN_LIST) {
        some = true;
        const list = token === OPEN_LIST && depth > 1 ? yield* byteList(bytes, at) : undefined;
        if (list !== undefined) {
          byteLists.push(list);
          leftOut += list.end - end;
          from = list.end;
          break;
        }
        if (++depth > MAX_DEPTH)
          throw new ProsamError('REQUEST_TOO_LARGE', `Expected JSON of at most ${MAX_DEPTH} levels, got more. Send it flatter.`);
        if (token === OPEN_LIST && depth === 2) {
          current = { start: at, end: 0, elements: [] };
          elementStart = at + 1;
          some = false;
        }
      } else if (token === CLOSE_OBJECT || token === CLOSE_LIST) {
        if (depth === 2 && current !== undefined) {
          endElement(current, at);
          current.end = at + 1;
          // One that ends with the wrong bracket is parsed, and refused, as a whole.
          if (token === CLOSE_LIST) listsAtTop.push(current);
          current = undefined;
        }
        depth--;
      } else if (token === COMMA && depth === 2 && current !== undefined) endElement(current, at);
      else if (token === JSON_TOKEN.string) some = true;
    }
  }
  return { byteLists, listsAtTop };
}

/** The list that opens there, if it holds nothing but whole numbers from 0 to 255 as JSON writes them. */
function* byteList(bytes: Buffer, start: number): Steps<ByteList | undefined> {
  let values = new Uint8Array(MIN_LIST);
  let length = 0;
  let value = -1;
  let ended = false;
  for (let at = start + 1, nextPause = start + TURN_BYTES; at < bytes.length; at++) {
    if (at >= nextPause) {
      nextPause = at + TURN_BYTES;
      yield;
    }
    const byte = bytes[at] as number;
    if (byte >= 0x30 && byte <= 0x39) {
      // A number after a number's end, or one that begins with a superfluous zero.
      if (ended || value === 0) return undefined;
      value = value < 0 ? byte - 0x30 : 10 * value + byte - 0x30;
      if (value > 255) return undefined;
    } else if (byte === COMMA || byte === CLOSE_LIST) {
      if (value < 0) return undefined;
      if (length === values.length) {
        const larger = new Uint8Array(2 * length);
        larger.set(values);
        values = larger;
      }
      values[length++] = value;
      value = -1;
      ended = false;
      if (byte === CLOSE_LIST) return length < MIN_LIST ? undefined : { start, end: at + 1, bytes: values.slice(0, length) };
    } else if (SPACES.has(byte)) {
      if (value >= 0) ended = true;
    } else return undefined;
  }
  return undefined;
}

function parse(text: Buffer): unknown {
  try {
    return JSON.parse(text.toString('utf8'));
  } catch (cause) {
    throw new ProsamError('REQUEST_INVALID', 'Expected JSON, got text that breaks off from it. Check quotes, commas and brackets.', {
      cause,
    });
  }
}

/** Changes what it is given; depth was bounded while scanning. */
function putBack(value: unknown, contents: ReadonlyMap<string, unknown>): unknown {
  if (typeof value === 'string') return contents.has(value) ? contents.get(value) : value;
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return value;
  const holder = value as Record<string, unknown>;
  for (const key of Object.keys(holder)) {
    if (key === '__proto__') continue;
    const one = holder[key];
    if (typeof one === 'string' || typeof one === 'object') holder[key] = putBack(one, contents);
  }
  return value;
}
