/** JSON that is too long, too deep or too much: refused before it is parsed, and what is taken holds nobody up. */
import { spawn, type ChildProcess } from 'node:child_process';
import { setTimeout as wait } from 'node:timers/promises';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { createJsonWatch, DEFAULT_JSON_LIMITS } from '../../../../src/adapters/http/body/json-structure.ts';
import { parseJson } from '../../../../src/adapters/http/body/parse-json.ts';
import { errorOf, JSON_BODY } from './running-app.ts';
import { dyingWithUs } from '../../../support/dies-with-us.ts';
import { onThisMachine, processorTime } from '../../../support/busy-watch.ts';
import { bodies, takingApps } from './taking-app.ts';

const start = takingApps();
let url: Promise<string> | undefined;

describe('JSON that would hold up everybody', () => {
  it.each([
    ['numbers', `[${'1,'.repeat(DEFAULT_JSON_LIMITS.parts)}1]`],
    ['brackets in brackets', `${'['.repeat(65)}${']'.repeat(65)}`],
    ['empty lists', `[${'[],'.repeat(100_000)}[]]`],
    ['keys', `{${Array.from({ length: 70_000 }, (_, i) => `"${i}":1`).join(',')}}`],
    ['escapes', `"${'\\n'.repeat(DEFAULT_JSON_LIMITS.otherBytes / 2)}"`],
    ['digits', '1'.repeat(DEFAULT_JSON_LIMITS.otherBytes + 1)],
  ])('(%s) is refused before it is parsed', async (_, body) => {
    const { url } = await start();
    const response = await fetch(`${url}/v1/take`, { method: 'POST', headers: JSON_BODY, body });
    expect([response.status, (await errorOf(response)).code]).toEqual([413, 'REQUEST_TOO_LARGE']);
    const form = new FormData();
    form.append('request', new Blob([body]));
    const inForm = await fetch(`${url}/v1/take`, { method: 'POST', headers: { authorization: JSON_BODY.authorization }, body: form });
    expect([inForm.status, (await errorOf(inForm)).code]).toEqual([413, 'REQUEST_TOO_LARGE']);
    expect(bodies).toEqual([]);
  });

  it('is told by its structure alone, however it is cut into pieces', () => {
    const partsOf = (text: string): number => {
      const bare = text.replace(/"(?:[^"\\]|\\.)*"/gs, '""');
      const of = (pattern: RegExp): number => bare.match(pattern)?.length ?? 0;
      return of(/,/g) + 2 * of(/[:[{]/g);
    };
    const property = fc.property(fc.json({ stringUnit: 'binary' }), fc.integer({ min: 1, max: 7 }), (text, size) => {
      const bytes = Buffer.from(text);
      const passes = (limits: Partial<typeof DEFAULT_JSON_LIMITS>): boolean => {
        const watch = createJsonWatch({ ...DEFAULT_JSON_LIMITS, ...limits });
        try {
          for (let at = 0; at < bytes.length; at += size) watch.see(bytes.subarray(at, at + size));
          return true;
        } catch {
          return false;
        }
      };
      const parts = partsOf(text);
      expect(passes({ parts, bytes: bytes.length, otherBytes: bytes.length })).toBe(true);
      if (parts > 0) expect(passes({ parts: parts - 1 })).toBe(false);
      expect(passes({ bytes: bytes.length - 1 })).toBe(false);
      expect(passes({ otherBytes: bytes.length - 1 })).toBe(false);
    });
    fc.assert(property, { numRuns: 300 });
  });

  it('does not take quadratic time to tell, whatever quotes and backslashes it has', () => {
    for (const text of ['"a",', '"\\"', '""', '\\', '"\\\\",']) {
      const watch = createJsonWatch({ bytes: 1e9, parts: 1e9, depth: 1e9, otherBytes: 1e9 });
      const bytes = Buffer.from(text.repeat(4_000_000 / text.length));
      expect(processorTime(() => watch.see(bytes))).toBeLessThan(onThisMachine(2000));
    }
  });
});

describe('as much JSON as is taken', () => {
  let server: ChildProcess | undefined;
  afterAll(() => void server?.kill());

  it.each([
    ['nearly all of it a picture', () => imageJson(), /^\{"bytes":18874293,/],
    [
      'nearly all of it in small strings',
      () => JSON.stringify({ points: Array.from({ length: 49_000 }, () => 'y'.repeat(120)) }),
      /"REQUEST_INVALID"/,
    ],
    [
      'full of escapes',
      () => JSON.stringify({ image: { base64: '\n'.repeat(DEFAULT_JSON_LIMITS.otherBytes / 2 - 50) } }),
      /"REQUEST_INVALID"/,
    ],
    [
      'as many points as fit',
      () => JSON.stringify({ points: Array.from({ length: 12_490 }, (_, i) => ({ x: i / 3, y: i / 7 })) }),
      /"points":12490/,
    ],
    [
      'as many wrong points as fit',
      () => JSON.stringify({ points: Array.from({ length: 12_490 }, () => ({ x: '', z: 0 })) }),
      /and \d+ more/,
    ],
  ])('(%s) holds the event loop up for less than 50 ms at a time', async (_, make, wanted) => {
    // A program of its own: neither this one's garbage nor the sender's work is measured.
    server ??= spawn(...dyingWithUs(process.execPath, ['test/unit/adapters/http/large-body-server.ts']), {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    url ??= new Promise((resolve) => server?.stdout?.once('data', (line: Buffer) => resolve(line.toString().trim())));
    const base = await url;
    const longest = async (): Promise<number> => ((await (await fetch(`${base}/longest`)).json()) as { milliseconds: number }).milliseconds;
    const body = make();
    const worst: number[] = [];
    // The quietest round counts: other programs on the machine hold a process up too.
    const within = onThisMachine(50);
    for (let round = 0; round < 40 && (round < 2 || Math.min(...worst) >= within); round++) {
      await longest();
      await wait(100);
      await longest();
      const response = await fetch(`${base}/take`, { method: 'POST', headers: { 'content-type': 'application/json' }, body });
      expect(await response.text()).toMatch(wanted);
      worst.push(await longest());
    }
    console.log(`longest hold-ups: ${worst.map((ms) => ms.toFixed(0)).join(', ')} ms`);
    expect(Math.min(...worst)).toBeLessThan(within);
  });

  it('is taken, and no more of it, while a form takes larger files', async () => {
    const { url: base } = await start();
    const body = `"${'x'.repeat(DEFAULT_JSON_LIMITS.bytes - 1)}"`;
    const response = await fetch(`${base}/v1/take`, { method: 'POST', headers: JSON_BODY, body });
    expect([response.status, (await errorOf(response)).message]).toEqual([413, expect.stringContaining('multipart form')]);
    const form = new FormData();
    form.append('request', '{}');
    form.append('image', new Blob([body]));
    expect(
      (await fetch(`${base}/v1/take`, { method: 'POST', headers: { authorization: JSON_BODY.authorization }, body: form })).status,
    ).toBe(200);
  });
});

function imageJson(): string {
  const bytes = 3 * Math.floor((DEFAULT_JSON_LIMITS.bytes - 100) / 4);
  return JSON.stringify({
    image: { base64: Buffer.concat([Buffer.from([0xff, 0xd8, 0xff, 0xe0]), Buffer.alloc(bytes - 4, 7)]).toString('base64') },
  });
}

describe('long strings', () => {
  it('are parsed as JSON.parse would, wherever they stand', async () => {
    const long = fc
      .tuple(fc.constantFrom('a', 'é', '\u{1f600}', '\\', '"', '\n', 'A/+'), fc.integer({ min: 65_000, max: 140_000 }))
      .map(([unit, length]) => unit.repeat(length / unit.length));
    const leaf = fc.oneof({ weight: 3, arbitrary: fc.jsonValue({ maxDepth: 1 }) }, { weight: 1, arbitrary: long });
    const value = fc.oneof(
      leaf,
      fc.array(leaf, { maxLength: 4 }),
      fc.dictionary(fc.oneof(fc.string(), fc.constant('__proto__')), fc.oneof(leaf, fc.array(leaf, { maxLength: 3 })), { maxKeys: 4 }),
    );
    const property = fc.asyncProperty(value, fc.integer({ min: 1000, max: 70_000 }), async (one, size) => {
      const text = Buffer.from(JSON.stringify(one));
      const watch = createJsonWatch();
      for (let at = 0; at < text.length; at += size) watch.see(text.subarray(at, at + size));
      expect(JSON.stringify(await parseJson(text, watch.longStrings))).toBe(text.toString());
    });
    await fc.assert(property, { numRuns: 60 });
  });

  it('are no names, and do not end what is broken', async () => {
    const parse = (text: string): Promise<unknown> => {
      const watch = createJsonWatch();
      watch.see(Buffer.from(text));
      return parseJson(Buffer.from(text), watch.longStrings);
    };
    const long = `"${'x'.repeat(70_000)}"`;
    const invalid = { code: 'REQUEST_INVALID' };
    await expect(parse(`{${long}:1}`)).rejects.toMatchObject(invalid);
    await expect(parse(`[${long}${long}]`)).rejects.toMatchObject(invalid);
    await expect(parse(`[${long}`)).rejects.toMatchObject(invalid);
    await expect(parse(long.slice(0, -1))).rejects.toMatchObject(invalid);
    expect(await parse(`[1,${long},[${long}]]`)).toEqual([1, 'x'.repeat(70_000), ['x'.repeat(70_000)]]);
  });
});
