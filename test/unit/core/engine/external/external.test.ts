/** The protocol and its batches, over a transport that answers as it is told. */
import { describe, expect, it } from 'vitest';
import { createBatches } from '../../../../../src/core/engine/methods/external/batches.ts';
import { externalImage } from '../../../../../src/core/engine/methods/external/messages.ts';
import type { ExternalImage, ExternalReference } from '../../../../../src/core/engine/methods/external/port.ts';
import { createExternalSegmenter } from '../../../../../src/core/engine/methods/external/segmenter.ts';
import { answerTo, SCORE, type Message } from '../../../external/stand-in.ts';
import { expectCode, expectRejection } from '../../expect-error.ts';

/** Red on the left of `from`, black elsewhere. */
async function image(width: number, height: number, from = 1): Promise<ExternalImage> {
  const data = new Uint8Array(3 * width * height);
  for (let i = 0; i < width * height; i++) if (i % width < from) data[3 * i] = 255;
  return externalImage(`${width}x${height}`, { data, width, height });
}

async function reference(): Promise<ExternalReference> {
  return { image: await image(3, 2), counts: [0, 2, 4] };
}

type Change = (answer: Record<string, unknown>, message: Message) => unknown;

/** change: of each answer. held: messages about images wait for `release`. */
function system({ change = (answer) => answer, held = false, maxBatch = 3 }: { change?: Change; held?: boolean; maxBatch?: number } = {}) {
  const messages: Message[] = [];
  const releases: (() => void)[] = [];
  const aborted: unknown[] = [];
  const segmenter = createExternalSegmenter({
    async exchange(bytes, signal) {
      const message = JSON.parse(new TextDecoder().decode(bytes)) as Message;
      messages.push(message);
      if (held && message.type === 'segment') {
        const free = new Promise<void>((done) => releases.push(done));
        const given = new Promise<never>((_, reject) =>
          signal?.addEventListener('abort', () => {
            aborted.push(message.id);
            reject(signal.reason as Error);
          }),
        );
        await Promise.race([free, given]);
      }
      const answer = change(answerTo(message, maxBatch) as Record<string, unknown>, message);
      return typeof answer === 'string' ? new TextEncoder().encode(answer) : new TextEncoder().encode(JSON.stringify(answer));
    },
    close: () => Promise.resolve(),
  });
  const about = (): Message[] => messages.filter(({ type }) => type === 'segment');
  return { segmenter, messages, about, releases, aborted };
}

describe('the segmenter', () => {
  it('sends references and targets as documented, and reads masks and scores', async () => {
    const { segmenter, messages } = system();
    const results = await segmenter.segment({
      label: 'a "cup"',
      references: [await reference()],
      targets: [await image(4, 3, 2), await image(2, 5)],
    });
    expect(results).toEqual([
      { mask: Uint8Array.from([1, 1, 0, 0, 1, 1, 0, 0, 1, 1, 0, 0]), score: SCORE },
      { mask: Uint8Array.from([1, 0, 1, 0, 1, 0, 1, 0, 1, 0]), score: SCORE },
    ]);
    const rgb = (width: number, height: number): string =>
      Buffer.from(Array.from({ length: width * height }, (_, i) => (i % width < 1 ? [255, 0, 0] : [0, 0, 0])).flat()).toString('base64');
    expect(messages[0]).toMatchObject({
      ...{ protocol: 1, type: 'segment', label: 'a "cup"' },
      references: [{ image: { key: '3x2', width: 3, height: 2, rgb: rgb(3, 2) }, mask: { size: [2, 3], counts: [0, 2, 4] } }],
      targets: [{ image: { width: 4, height: 3 } }, { image: { key: '2x5', width: 2, height: 5, rgb: rgb(2, 5) } }],
    });
  });

  it('writes base64 of every length as others do', async () => {
    for (let pixels = 1; pixels < 6; pixels++) {
      const data = Uint8Array.from({ length: 3 * pixels + (pixels % 3) }, (_, i) => (i * 89) % 256);
      const { rgb } = await externalImage('x', { data, width: pixels, height: 1 });
      expect(new TextDecoder().decode(rgb)).toBe(Buffer.from(data).toString('base64'));
    }
  });

  it('keeps a description, but not a failure', async () => {
    let broken = true;
    const { segmenter, messages } = system({ change: (answer) => (broken ? { ...answer, name: '' } : answer) });
    await expectRejection('EXTERNAL_FAILED', segmenter.describe(), 'name');
    broken = false;
    expect(await segmenter.describe()).toEqual({ name: 'stand-in', version: '7', maxBatch: 3 });
    await segmenter.describe();
    expect(messages).toHaveLength(2);
  });

  const target = (): Promise<ExternalImage> => image(4, 3);
  it.each<[string, Change, string]>([
    ['no JSON', () => 'Not Found', 'expected JSON'],
    ['a list', () => [], 'JSON object'],
    ['another version', (answer) => ({ ...answer, protocol: 2 }), 'protocol 1, got 2'],
    ['an error', ({ protocol, id }) => ({ protocol, id, error: 'out of memory.' }), 'refused: out of memory'],
    ['the answer to something else', (answer) => ({ ...answer, id: 'other' }), 'got one to "other"'],
    ['too few results', (answer) => ({ ...answer, results: [] }), 'a list of 1'],
  ])('refuses %s', async (_, change, words) => {
    const { segmenter } = system({ change });
    await expectRejection(
      'EXTERNAL_FAILED',
      segmenter.segment({ label: 'a', references: [await reference()], targets: [await target()] }),
      words,
    );
  });

  it.each<[string, object, string]>([
    ['of another size', { mask: { size: [4, 3], counts: [12] }, score: 1 }, "target's own size"],
    ['whose runs do not add up', { mask: { size: [3, 4], counts: [11] }, score: 1 }, 'cover 11'],
    ['whose runs are no numbers', { mask: { size: [3, 4], counts: ['12'] }, score: 1 }, 'run 0'],
    ['with a score beyond 1', { mask: { size: [3, 4], counts: [12] }, score: 1.5 }, '0 to 1, got 1.5'],
    ['without a score', { mask: { size: [3, 4], counts: [12] } }, 'score'],
    ['that is none', { score: 1 }, '{ mask, score }'],
  ])('refuses a mask %s, and no other of its message', async (_, result, words) => {
    const { segmenter } = system({ change: (answer) => ({ ...answer, results: [result, ...(answer.results as object[]).slice(1)] }) });
    const [wrong, right] = await segmenter.segment({
      label: 'a',
      references: [await reference()],
      targets: [await target(), await target()],
    });
    expect(right).toMatchObject({ score: SCORE });
    expectCode(
      'EXTERNAL_FAILED',
      () => {
        throw wrong as Error;
      },
      words,
    );
  });
});

describe('batches', () => {
  async function asked(options: Parameters<typeof system>[0] = {}) {
    const parts = system({ held: true, ...options });
    const ask = createBatches(parts.segmenter);
    const references = [await reference()];
    const target = await image(4, 3);
    return { ...parts, ask: (group: string, signal?: AbortSignal) => ask({ label: group, references, group, target }, signal) };
  }

  it('send one message at a time: what waits for it goes together, by references and up to the largest batch', async () => {
    const { ask, about, releases } = await asked();
    const first = ask('a');
    await expect.poll(() => releases.length).toBe(1);
    const others = ['a', 'b', 'a', 'a', 'a'].map((group) => ask(group));
    for (let sent = 1; sent <= 4; sent++) {
      await expect.poll(() => releases.length).toBe(sent);
      releases[sent - 1]?.();
    }
    expect(await Promise.all([first, ...others])).toHaveLength(6);
    expect(about().map(({ label, targets }) => [label, targets?.length])).toEqual([['a', 1], ['a', 3], ['b', 1], ['a', 1]]); // prettier-ignore
  });

  it('end the waiting of who gives up, and the message once all of its have', async () => {
    const { ask, about, releases, aborted } = await asked();
    const [one, two, gone] = [new AbortController(), new AbortController(), new AbortController()];
    const first = ask('a');
    await expect.poll(() => releases.length).toBe(1);
    const given = [one, two, gone].map(({ signal }) => ask('a', signal).catch((error: unknown) => error));
    gone.abort('never sent');
    expect(await given[2]).toBe('never sent');
    releases[0]?.();
    await first;
    await expect.poll(() => releases.length).toBe(2);
    expect(about()[1]?.targets).toHaveLength(2);
    one.abort('first');
    expect(await given[0]).toBe('first');
    expect(aborted).toEqual([]);
    two.abort('second');
    expect(await given[1]).toBe('second');
    expect(aborted).toEqual([about()[1]?.id]);
    const next = ask('a');
    await expect.poll(() => releases.length).toBe(3);
    releases[2]?.();
    expect(await next).toMatchObject({ score: SCORE });
  });

  it('tell all who wait of a system that does not describe itself, and ask again', async () => {
    let broken = true;
    const { ask, releases } = await asked({ change: (answer, { type }) => (broken && type === 'describe' ? {} : answer) });
    await Promise.all(['a', 'b'].map((group) => expectRejection('EXTERNAL_FAILED', ask(group), 'protocol')));
    broken = false;
    const next = ask('a');
    await expect.poll(() => releases.length).toBe(1);
    releases[0]?.();
    expect(await next).toMatchObject({ score: SCORE });
  });
});
