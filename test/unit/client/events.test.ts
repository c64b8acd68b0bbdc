/** Event streams cut at any byte read the same. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readEvents } from '../../../src/client/events.ts';
import type { StreamEvent } from '../../../src/core/common/event-stream.ts';

function streamOf(bytes: Uint8Array, cuts: readonly number[]): ReadableStream<Uint8Array> {
  const places = [0, ...[...cuts].sort((a, b) => a - b), bytes.length];
  return new ReadableStream({
    start(controller) {
      for (let i = 0; i + 1 < places.length; i++) controller.enqueue(bytes.slice(places[i], places[i + 1]));
      controller.close();
    },
  });
}

async function all(stream: ReadableStream<Uint8Array>, silenceMs?: number): Promise<StreamEvent[]> {
  const events = [];
  for await (const event of readEvents(stream, silenceMs)) events.push(event);
  return events;
}

describe('readEvents', () => {
  it('does not mind where the network cuts, nor how lines end', async () => {
    const text = fc.string({ unit: 'grapheme', maxLength: 8 }).map((one) => one.replace(/[\r\n\0]/g, ''));
    const event = fc.record({
      event: text.filter((one) => one.length > 0 && !one.startsWith(' ')),
      lines: fc.array(text, { minLength: 1, maxLength: 3 }),
      id: fc.nat(),
    });
    const inputs = fc.tuple(fc.array(event, { maxLength: 5 }), fc.constantFrom('\n', '\r\n', '\r'), fc.array(fc.nat(), { maxLength: 20 }));
    await fc.assert(
      fc.asyncProperty(inputs, async ([events, end, cuts]) => {
        const lines = events.flatMap((one) => [
          `event: ${one.event}`,
          `id: ${one.id}`,
          ': a comment',
          ...one.lines.map((line) => `data: ${line}`),
          '',
        ]);
        // The last line break alone ends the last event.
        const bytes = new TextEncoder().encode([...lines, ': the end', ''].join(end));
        const read = await all(
          streamOf(
            bytes,
            cuts.map((cut) => cut % (bytes.length + 1)),
          ),
        );
        expect(read).toEqual(events.map((one) => ({ event: one.event, data: one.lines.join('\n'), id: String(one.id) })));
      }),
      { numRuns: 200 },
    );
  });

  it('drops an event that was cut off', async () => {
    const bytes = new TextEncoder().encode('data: 1\n\ndata: 2\n');
    expect((await all(streamOf(bytes, []))).map(({ data }) => data)).toEqual(['1']);
  });

  it('gives up a stream that says nothing', async () => {
    await expect(all(new ReadableStream({}), 30)).rejects.toMatchObject({ code: 'TIMED_OUT' });
  });
});
