/** What stands in the log, and what must not. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createLog, type LogLevel } from '../../../../src/adapters/http/create-log.ts';
import { redact } from '../../../../src/adapters/http/redact.ts';
import { ProsamError } from '../../../../src/core/common/errors.ts';
import { onThisMachine, processorTime } from '../../../support/busy-watch.ts';

function written(fields: Record<string, unknown>, message = 'x', level: LogLevel = 'info'): Record<string, unknown>[] {
  const lines: string[] = [];
  const log = createLog({ level, destination: { write: (line) => lines.push(line) } });
  log.info(fields, message);
  log.warn({}, 'w');
  return lines.map((line) => JSON.parse(line) as Record<string, unknown>);
}

describe('the log', () => {
  it('is one JSON line an event, from its level up', () => {
    const [info, warn] = written({ project: 'p', n: 3 }, 'hello');
    expect(info).toMatchObject({ level: 'info', project: 'p', n: 3, msg: 'hello', time: expect.stringMatching(/^\d{4}-/) as string });
    expect(warn).toMatchObject({ level: 'warn', msg: 'w' });
    expect(written({}, 'x', 'warn').map(({ level }) => level)).toEqual(['warn']);
    expect(written({}, 'x', 'silent')).toEqual([]);
  });

  it.each([
    ['bytes of an image', { image: new Uint8Array([104, 117, 110, 116, 101, 114, 50]) }],
    ['bytes in a list', { images: [Buffer.from('hunter2')] }],
    ['a data address', { url: 'data:image/png;base64,hunter2' }],
    ['a signed address', { url: 'https://bucket.s3.amazonaws.com/a.png?X-Amz-Signature=hunter2' }],
    ['a signed address in a sentence', { problem: 'No image from https://h/a?sig=hunter2, sorry' }],
    ['a fragment', { url: 'https://h/a#hunter2' }],
    ['credentials in an address', { database: 'postgres://me:hunter2@db/masks' }],
    ['a header', { headers: { Authorization: 'hunter2', Cookie: 'hunter2', 'X-Prosam-Signature': 'hunter2' } }],
    ['a token', { config: { auth: { apiKey: 'hunter2', token: 'hunter2', password: 'hunter2', secretKey: ['hunter2'] } } }],
    ['a token in a sentence', { problem: 'got Bearer hunter2' }],
    ['an error', { error: new Error('https://h/a?sig=hunter2', { cause: new ProsamError('URL_FAILED', 'Basic hunter2') }) }],
    ['the end of a long text', { text: `${'x'.repeat(2500)}hunter2` }],
    ['deep inside', { a: { b: { c: { d: { e: { f: 'hunter2' } } } } } }],
  ])('does not hold %s', (_, fields) => {
    const text = JSON.stringify(written(fields));
    expect(text).not.toContain('hunter2');
    expect(text).not.toContain('104,117');
  });

  it('does not hold them in its message either', () => {
    expect(JSON.stringify(written({}, 'asked https://h/a.png?sig=hunter2 with Bearer hunter2'))).not.toContain('hunter2');
  });

  it('keeps what helps', () => {
    const [line] = written({ url: 'https://host/path/a.png?x=1', error: new ProsamError('URL_FAILED', 'No.'), sha256: 'ab' });
    expect(line).toMatchObject({ url: 'https://host/path/a.png', error: { code: 'URL_FAILED', message: 'No.' }, sha256: 'ab' });
  });

  it('takes anything, and stays small', () => {
    const circle: Record<string, unknown> = {};
    circle.self = circle;
    expect(() => written(circle)).not.toThrow();
    expect(() => written({ big: 3n, f: () => 1, s: Symbol('x'), u: undefined, n: null, d: new Date(0) })).not.toThrow();
    expect(JSON.stringify(written({ list: Array.from({ length: 1e5 }, () => 'x'.repeat(100)) })).length).toBeLessThan(10_000);
    const property = fc.property(fc.anything(), (value) => {
      expect(() => JSON.stringify(redact(value))).not.toThrow();
    });
    fc.assert(property, { numRuns: 300 });
  });

  it('does not take long, whatever it is given', () => {
    for (const text of ['a'.repeat(1e6), 'https://'.repeat(1e5), 'Basic '.repeat(1e5), 'v1='.repeat(1e5)]) {
      expect(processorTime(() => redact({ text }))).toBeLessThan(onThisMachine(100));
    }
  });
});
