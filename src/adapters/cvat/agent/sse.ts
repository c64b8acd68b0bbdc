/** Server-sent events, read from the bytes of an answer. */

export interface SseEvent {
  /** 'message' where none is named. */
  event: string;
  data: string;
  /** How long to wait before connecting again, where the server says so, in milliseconds. */
  retryMs?: number;
}

/** Longest line; a server that sends more is none of ours. */
const MOST_TEXT = 2 ** 20;

/** What was cut off in the middle of an event is dropped. */
export async function* readSse(body: AsyncIterable<Uint8Array>): AsyncGenerator<SseEvent> {
  const decoder = new TextDecoder();
  let text = '';
  let event = '';
  let data: string[] = [];
  let retryMs: number | undefined;
  for await (const piece of body) {
    text += decoder.decode(piece, { stream: true });
    // A carriage return at the end may be the first half of a line break.
    const lines = text.split(/\r\n|\n|\r(?!$)/);
    text = lines.pop() ?? '';
    if (text.length > MOST_TEXT) return;
    for (const line of lines) {
      if (line === '') {
        if (data.length > 0 || retryMs !== undefined)
          yield { event: event === '' ? 'message' : event, data: data.join('\n'), ...(retryMs !== undefined && { retryMs }) };
        [event, data, retryMs] = ['', [], undefined];
        continue;
      }
      const [, name = '', content = ''] = /^([^:]*):? ?(.*)$/s.exec(line) ?? [];
      if (name === 'data') data.push(content);
      else if (name === 'event') event = content;
      else if (name === 'retry' && /^\d{1,9}$/.test(content)) retryMs = Number(content);
    }
  }
}
