/** Bounds and corner cases of event streams; cuts at any byte are tried in test/unit/client/events.test.ts. */
import { describe, expect, it } from 'vitest';
import { readEventStream, type EventStreamOptions, type StreamEvent } from '../../../../src/core/common/event-stream.ts';

async function read(pieces: readonly string[], options?: EventStreamOptions): Promise<StreamEvent[]> {
  async function* bytes(): AsyncGenerator<Uint8Array> {
    for (const piece of pieces) yield await Promise.resolve(new TextEncoder().encode(piece));
  }
  const events: StreamEvent[] = [];
  for await (const event of readEventStream(bytes(), options)) events.push(event);
  return events;
}

describe('readEventStream', () => {
  it('names what has no name, keeps the last id, and tells when to come back', async () => {
    expect(await read(['id: 7\ndata: a\n\nevent: end\ndata:b\ndata\n\nretry: 50\n\nretry: soon\n\n'])).toEqual([
      { event: 'message', data: 'a', id: '7' },
      { event: 'end', data: 'b\n', id: '7' },
      { event: 'message', data: '', id: '7', retryMs: 50 },
    ]);
  });

  it('does not take the halves of a line break for an empty line', async () => {
    expect(await read(['data: a\r', '\ndata: b\r', '\n\r', '\n'])).toEqual([{ event: 'message', data: 'a\nb', id: '' }]);
    expect(await read(['data: a\r', '\n', '\n'])).toEqual([{ event: 'message', data: 'a', id: '' }]);
  });

  it('ignores a mark at its beginning and ids that could be no header', async () => {
    expect(await read(['\ufeffdata: a\nid: 1\0\n\n'])).toEqual([{ event: 'message', data: 'a', id: '' }]);
  });

  it('ends a stream beyond its bounds, wherever it is cut', async () => {
    const tooLarge = (message: string): Error => new TypeError(message);
    const line = `data: ${'x'.repeat(20)}`;
    expect(await read([`${line}\n\n`], { maxLine: 26 })).toHaveLength(1);
    for (const pieces of [[`${line}\n\n`], Array.from(`${line}\n\n`), [line]])
      await expect(read(pieces, { maxLine: 25, tooLarge })).rejects.toThrow(
        new TypeError('expected lines of at most 25 characters, got a longer one.'),
      );
    const lines = 'data: 123456789\n'.repeat(3);
    expect(await read([`${lines}\n`], { maxEvent: 30 })).toHaveLength(1);
    await expect(read([lines], { maxEvent: 29 })).rejects.toThrow('expected events of at most 29 characters, got more.');
  });
});
