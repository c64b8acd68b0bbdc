/** Server-sent events read from the bytes of a response, bounded in line and event. Runs in browsers and Node. */

export interface StreamEvent {
  /** 'message' where none is named. */
  event: string;
  data: string;
  /** Id of this event or of the last one that had any; '' where none had. */
  id: string;
  /** Wait before connecting again that the server asks for, in milliseconds. Absent where it asks for none. */
  retryMs?: number;
}

export interface EventStreamOptions {
  /** Longest line, in characters. @default 4,194,304 */
  maxLine?: number;
  /** Most data of one event, in characters. @default 16,777,216 */
  maxEvent?: number;
  /** Error of a stream that goes beyond a bound. message: expected and got. @default an Error */
  tooLarge?: (message: string) => Error;
}

const MAX_LINE = 2 ** 22;
const MAX_EVENT = 2 ** 24;

/** Ends with the bytes; an event that was cut off is dropped. An event of `retry` alone has empty data. */
export async function* readEventStream(
  bytes: AsyncIterable<Uint8Array>,
  { maxLine = MAX_LINE, maxEvent = MAX_EVENT, tooLarge = (message) => new Error(message) }: EventStreamOptions = {},
): AsyncGenerator<StreamEvent> {
  let id = '';
  let event = '';
  let data: string[] = [];
  let size = 0;
  let retryMs: number | undefined;
  for await (const line of linesOf(bytes, maxLine, tooLarge)) {
    if (line === '') {
      if (data.length > 0 || retryMs !== undefined)
        yield { event: event === '' ? 'message' : event, data: data.join('\n'), id, ...(retryMs !== undefined && { retryMs }) };
      [event, data, size, retryMs] = ['', [], 0, undefined];
      continue;
    }
    const colon = line.indexOf(':');
    const name = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? '' : line.slice(line[colon + 1] === ' ' ? colon + 2 : colon + 1);
    if (name === 'data') {
      size += value.length + 1;
      if (size > maxEvent) throw tooLarge(`expected events of at most ${maxEvent} characters, got more.`);
      data.push(value);
    } else if (name === 'event') event = value;
    else if (name === 'id') id = value.includes('\0') ? id : value;
    else if (name === 'retry' && /^\d{1,9}$/.test(value)) retryMs = Number(value);
  }
}

/** Lines ended by \n, \r\n or \r, however the bytes are cut. A last line without an end is dropped. */
async function* linesOf(bytes: AsyncIterable<Uint8Array>, maxLine: number, tooLarge: (message: string) => Error): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  /** Pieces of the line that has not ended yet: pieces, so that a long one is not copied with each of them. */
  let begun: string[] = [];
  let length = 0;
  /** The last piece ended with \r, which may be the first half of \r\n. */
  let halfEnd = false;
  for await (const piece of bytes) {
    let text = decoder.decode(piece, { stream: true });
    if (text === '') continue;
    if (halfEnd && text.startsWith('\n')) text = text.slice(1);
    halfEnd = text.endsWith('\r');
    const parts = text.split(/\r\n|\n|\r/);
    const last = parts.pop() ?? '';
    for (const part of parts) {
      length += part.length;
      if (length > maxLine) break;
      yield begun.length === 0 ? part : `${begun.join('')}${part}`;
      begun = [];
      length = 0;
    }
    if (last !== '') begun.push(last);
    length += last.length;
    if (length > maxLine) throw tooLarge(`expected lines of at most ${maxLine} characters, got a longer one.`);
  }
}
