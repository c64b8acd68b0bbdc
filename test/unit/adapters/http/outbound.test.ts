/** Calls out: where credentials go, what is tried again, what is read, and how failures are told. */
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { createOutbound, type OutboundCall, type OutboundOptions } from '../../../../src/adapters/http/outbound.ts';
import type { OutboundCredentials, OutboundFetch, OutboundInit, ServerDialect } from '../../../../src/adapters/http/outbound-types.ts';
import { OutboundError } from '../../../../src/adapters/http/outbound-response.ts';

const DIALECT: ServerDialect = {
  ...{ name: 'the studio', versions: '3', failed: 'LABEL_STUDIO_FAILED', refused: 'LABEL_STUDIO_REFUSED' },
  detailOf: (json) => (json as { detail?: string }).detail ?? '',
  isOwnMissing: (json) => (json as { own?: unknown }).own === true,
  advice: { 403: 'Ask for the rights.' },
};

interface Answer {
  status?: number;
  headers?: Record<string, string>;
  json?: unknown;
  body?: AsyncIterable<Uint8Array>;
}

/** A server that gives these answers, the last one for ever. 'lost': no answer comes; 'never': none within any time. */
function server(responses: readonly (Answer | 'lost' | 'never')[], options: Partial<OutboundOptions> = {}) {
  const asked: (OutboundInit & { url: string })[] = [];
  const fetch: OutboundFetch = (url, init) => {
    asked.push({ url, ...init });
    const response = responses[Math.min(asked.length, responses.length) - 1] ?? {};
    if (response === 'lost')
      return Promise.reject(new TypeError('fetch failed', { cause: Object.assign(new Error(), { code: 'ECONNRESET' }) }));
    if (response === 'never')
      return new Promise((_, fail) => init.signal.addEventListener('abort', () => fail(init.signal.reason as Error)));
    const { status = 200, headers = {}, json = {}, body } = response;
    return Promise.resolve({
      ...{ status, headers: { get: (name: string) => headers[name] ?? null } },
      body: body ?? new Blob([JSON.stringify(json)]).stream(),
    });
  };
  return { asked, outbound: createOutbound({ url: 'http://studio.test/base', dialect: DIALECT, fetch, backoffMs: 1, ...options }) };
}

const get: OutboundCall = { method: 'GET', path: '/thing' };
const post: OutboundCall = { method: 'POST', path: '/thing', json: { a: 1 } };
const anything = z.unknown();

describe('credentials', () => {
  const counted = (...values: string[]) => {
    const asked: boolean[] = [];
    const credentials: OutboundCredentials = {
      renewable: true,
      headers({ renew = false } = {}) {
        asked.push(renew);
        return Promise.resolve({ authorization: values[Math.min(asked.length, values.length) - 1] ?? '' });
      },
    };
    return { asked, credentials };
  };

  it.each(['@evil.test/x', '.evil.test/x', ':80@evil.test/', 'x'])(
    'are not even asked for where a path leads elsewhere: %s',
    async (path) => {
      const { asked, credentials } = counted('secret');
      const one = server([{}], { url: 'http://studio.test', credentials });
      await expect(one.outbound.json({ ...get, path }, anything)).rejects.toMatchObject({ code: 'LABEL_STUDIO_FAILED' });
      expect([one.asked, asked]).toEqual([[], []]);
    },
  );

  it('stay with the configured address, whatever it redirects to', async () => {
    const { credentials } = counted('secret');
    for (const location of ['http://evil.test/x', '//evil.test/x', '/elsewhere', undefined]) {
      const one = server([{ status: 307, headers: location === undefined ? {} : { location } }], { credentials });
      await expect(one.outbound.json(get, anything)).rejects.toThrow('redirects to');
      expect(one.asked.map(({ url, redirect }) => [url, redirect])).toEqual([['http://studio.test/base/thing', 'manual']]);
    }
  });

  it('are renewed once per call, and only for the try after a 401', async () => {
    const { asked, credentials } = counted('old', 'new');
    const one = server([{ status: 401 }, { status: 502 }, {}], { credentials });
    await one.outbound.json(get, anything);
    expect(asked).toEqual([false, true, false]);
    expect(one.asked.map(({ headers }) => headers['authorization'])).toEqual(['old', 'new', 'new']);
    const refused = server([{ status: 401 }], { credentials });
    await expect(refused.outbound.json(get, anything)).rejects.toMatchObject({ code: 'LABEL_STUDIO_REFUSED' });
    expect(refused.asked).toHaveLength(2);
  });

  it('that cannot be had end the call: asking for them has tries of its own', async () => {
    for (const answered of [0, 401, 503]) {
      let asked = 0;
      const headers = (): Promise<never> => {
        asked++;
        return Promise.reject(new OutboundError('LABEL_STUDIO_FAILED', 'no login', { answered }));
      };
      const one = server([{}], { credentials: { renewable: true, headers } });
      await expect(one.outbound.json(get, anything)).rejects.toThrow('no login');
      expect([asked, one.asked]).toEqual([1, []]);
    }
  });
});

describe('tries', () => {
  const tries = async (responses: Parameters<typeof server>[0], call: OutboundCall): Promise<number> => {
    const one = server(responses);
    await one.outbound.done(call).catch(() => undefined);
    return one.asked.length;
  };

  it('of what may be repeated go on after lost answers and errors that pass, four times at most', async () => {
    expect(await tries(['lost', { status: 500 }, { status: 429 }, {}], get)).toBe(4);
    expect(await tries([{ status: 502 }], get)).toBe(4);
    expect(await tries([{ status: 400 }], get)).toBe(1);
    expect(await tries(['lost', {}], { ...post, repeatable: true })).toBe(2);
  });

  it('of what may not are one, unless the server did nothing', async () => {
    for (const response of ['lost', { status: 500 }, { status: 502 }, { status: 503 }] as const)
      expect(await tries([response, {}], post)).toBe(1);
    expect(await tries([{ status: 429 }, { status: 503, headers: { 'retry-after': '0' } }, {}], post)).toBe(3);
  });

  it('end where the server asks for more time than anybody has', async () => {
    const one = server([{ status: 429, headers: { 'retry-after': '3600' } }]);
    await expect(one.outbound.json(get, anything)).rejects.toMatchObject({ answered: 429, retryAfterMs: 3_600_000 });
    expect(one.asked).toHaveLength(1);
  });

  it('end with their time and with the caller', async () => {
    const one = server(['never'], { timeoutMs: 10, attempts: 2 });
    await expect(one.outbound.json(get, anything)).rejects.toMatchObject({
      answered: 0,
      message: expect.stringContaining('0.01 s') as string,
    });
    expect(one.asked).toHaveLength(2);
    const stop = new AbortController();
    const waiting = server(['never']).outbound.json({ ...get, signal: stop.signal }, anything);
    stop.abort(new Error('enough'));
    await expect(waiting).rejects.toThrow('enough');
  });
});

describe('responses', () => {
  /** Pieces without an end, and how many were taken. */
  const endless = () => {
    const taken = { pieces: 0, ended: false };
    async function* body(): AsyncGenerator<Uint8Array> {
      try {
        for (;;) {
          taken.pieces++;
          yield await Promise.resolve(new Uint8Array(1024).fill(32));
        }
      } finally {
        taken.ended = true;
      }
    }
    return { taken, body: body() };
  };

  it('are read up to a bound, and their transfer is ended there', async () => {
    for (const [status, read, pieces] of [
      [200, 'json', 11],
      [200, 'bytes', 11],
      [200, 'done', 65],
      [400, 'json', 65],
    ] as const) {
      const { taken, body } = endless();
      const { outbound } = server([{ status, body }], { maxBytes: 10 * 1024 });
      const result = read === 'json' ? outbound.json(get, anything) : outbound[read](get);
      if (read === 'done') await result;
      else await expect(result).rejects.toThrow(status === 200 ? 'at most 10240 bytes' : 'answered 400');
      expect([read, taken]).toEqual([read, { pieces, ended: true }]);
    }
  });

  it('of streams have no bound', async () => {
    const { body } = endless();
    let bytes = 0;
    for await (const piece of await server([{ body }], { maxBytes: 10, timeoutMs: 1 }).outbound.stream(get)) {
      bytes += piece.byteLength;
      if (bytes > 10_000) break;
    }
    expect(bytes).toBeGreaterThan(10_000);
  });

  it('that are none say what was expected, what came, and what to do', async () => {
    const failure = async (response: Answer | 'lost'): Promise<OutboundError> => {
      const { outbound } = server([response], { attempts: 1 });
      return outbound.json(get, z.object({ id: z.number() })).then(
        () => expect.unreachable(),
        (error: unknown) => error as OutboundError,
      );
    };
    expect((await failure({ status: 403, json: { detail: 'No.' } })).message).toBe(
      'GET /thing: expected the studio to allow this, got 403: No. Ask for the rights.',
    );
    expect((await failure({ status: 400, json: { detail: 'x'.repeat(5000) } })).message.length).toBeLessThan(500);
    expect((await failure('lost')).message).toMatch(/expected an answer of the studio, got none: .*ECONNRESET.*Check that/);
    expect((await failure({ json: { id: 'a' } })).message).toContain('differs at id');
    expect(await failure({ status: 404, json: { own: true } })).toMatchObject({ answered: 404, ownMissing: true });
    expect(await failure({ status: 404, body: new Blob(['<html>']).stream() })).toMatchObject({ answered: 404, ownMissing: false });
  });
});
