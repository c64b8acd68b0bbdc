/** Calls to Label Studio, against servers that behave and misbehave like it. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { createLabelStudioClient, type LabelStudioClientOptions } from '../../../src/adapters/label-studio/api/client.ts';

const LEGACY = '0123456789abcdef0123456789abcdef01234567';

interface Seen {
  method: string;
  url: string;
  authorization: string | undefined;
  body: string;
}

const closers: (() => void)[] = [];
afterEach(() => closers.splice(0).forEach((close) => close()));

async function serve(reply: (seen: Seen, response: ServerResponse, count: number) => void) {
  const seen: Seen[] = [];
  const server = createServer((request: IncomingMessage, response) => {
    let body = '';
    request.on('data', (piece: Buffer) => (body += piece.toString()));
    request.on('end', () => {
      const one = { method: request.method ?? '', url: request.url ?? '', authorization: request.headers.authorization, body };
      seen.push(one);
      reply(one, response, seen.length);
    });
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  closers.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, seen };
}

const json = (response: ServerResponse, value: unknown, status = 200, headers: Record<string, string> = {}): void => {
  response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(value));
};

const open = (url: string, options: Partial<LabelStudioClientOptions> = {}) =>
  createLabelStudioClient({ url, token: LEGACY, backoffMs: 1, ...options });

const accessToken = (endsMs: number, name: string): string =>
  ['header', Buffer.from(JSON.stringify({ exp: endsMs / 1000, name })).toString('base64url'), 'signature'].join('.');

describe('a client of Label Studio', () => {
  it('sends a legacy token as it wants it', async () => {
    const { url, seen } = await serve((_, response) => json(response, { id: 7, email: 'a@b.c' }));
    expect(await open(`${url}/`).whoami()).toEqual({ id: 7, email: 'a@b.c' });
    expect(seen).toMatchObject([{ url: '/api/current-user/whoami', authorization: `Token ${LEGACY}` }]);
  });

  it('says what to use in place of a legacy token that is refused, and of no other', async () => {
    const { url } = await serve((_, response) => json(response, { detail: 'Authentication credentials were not provided.' }, 401));
    await expect(open(url).whoami()).rejects.toThrow('give a personal access token (Account & Settings), as PROSAM_LABEL_STUDIO_TOKEN');
    const personal = open(url, { token: accessToken(1_000_000, 'n') }).whoami();
    await expect(personal).rejects.toThrow('Give a token that is valid there.');
  });

  it('exchanges a personal token once for many calls, and again before it ends', async () => {
    let nowMs = 1_000_000;
    let made = 0;
    const { url, seen } = await serve(({ url: path }, response) => {
      if (path === '/api/token/refresh/') json(response, { access: accessToken(nowMs + 300_000, `n${made++}`) });
      else json(response, { id: 1, email: '' });
    });
    const client = open(url, { token: 'aaa.bbb.ccc', nowMs: () => nowMs });
    await Promise.all([client.whoami(), client.whoami(), client.whoami()]);
    expect(made).toBe(1);
    nowMs += 280_000;
    await client.whoami();
    expect(made).toBe(2);
    const refreshes = seen.filter((one) => one.url === '/api/token/refresh/');
    expect(refreshes.every(({ authorization, body }) => authorization === undefined && body === '{"refresh":"aaa.bbb.ccc"}')).toBe(true);
    expect(
      seen.filter((one) => one.url !== '/api/token/refresh/').every(({ authorization }) => /^Bearer header\./.test(authorization ?? '')),
    ).toBe(true);
  });

  it('renews a personal token that is refused before its time, once', async () => {
    const serving = (refusals: number) => {
      let refused = 0;
      return serve(({ url: path }, response) => {
        if (path === '/api/token/refresh/') json(response, { access: accessToken(Date.now() + 300_000, 'x') });
        else if (refused++ < refusals) json(response, { detail: 'Given token not valid' }, 401);
        else json(response, { id: 1, email: '' });
      });
    };
    const once = await serving(1);
    expect(await open(once.url, { token: 'aaa.bbb.ccc' }).whoami()).toEqual({ id: 1, email: '' });
    const always = await serving(9);
    await expect(open(always.url, { token: 'aaa.bbb.ccc' }).whoami()).rejects.toMatchObject({ code: 'LABEL_STUDIO_REFUSED' });
    for (const { seen } of [once, always]) {
      expect(seen.map(({ url }) => url.split('/')[2])).toEqual(['token', 'current-user', 'token', 'current-user']);
    }
  });

  it('tries again where that may help, and says what it got where not', async () => {
    const flaky = await serve((_, response, count) => (count < 3 ? json(response, {}, 502) : json(response, { release: '1.23.2' })));
    expect(await open(flaky.url).version()).toBe('1.23.2');
    expect(flaky.seen).toHaveLength(3);

    const down = await serve((_, response) => json(response, { detail: 'Boom' }, 500));
    await expect(open(down.url).version()).rejects.toMatchObject({
      code: 'LABEL_STUDIO_FAILED',
      message: expect.stringContaining('500: Boom') as string,
    });
    expect(down.seen).toHaveLength(4);

    const wrong = await serve((_, response) =>
      json(response, { detail: 'Validation error', validation_errors: { title: ['Too short'] } }, 400),
    );
    await expect(open(wrong.url).createProject({ title: 'x', label_config: '' })).rejects.toThrow('Too short');
    expect(wrong.seen).toHaveLength(1);
  });

  it('does not send twice what would then be there twice', async () => {
    const prediction = { task: 1, result: [], score: 0.5, model_version: 'v' };
    const lost = await serve((_, response) => json(response, {}, 502));
    await expect(open(lost.url).createPrediction(prediction)).rejects.toMatchObject({ code: 'LABEL_STUDIO_FAILED' });
    expect(lost.seen).toHaveLength(1);

    const busy = await serve((_, response, count) =>
      count === 1 ? json(response, {}, 429, { 'retry-after': '0' }) : json(response, { id: 3 }),
    );
    expect(await open(busy.url).createPrediction(prediction)).toEqual({ id: 3 });
    expect(busy.seen).toHaveLength(2);
  });

  it('waits no longer than it was told, and stops when it is told to', async () => {
    const silent = await serve(() => undefined);
    await expect(open(silent.url, { timeoutMs: 1000, attempts: 2 }).version()).rejects.toThrow('no answer within 1 s');
    expect(silent.seen).toHaveLength(2);
    const stop = new AbortController();
    const asked = open(silent.url).version({ signal: stop.signal });
    setTimeout(() => stop.abort(new Error('enough')), 20);
    await expect(asked).rejects.toThrow('enough');
  });

  it('takes its token nowhere a redirect points', async () => {
    const elsewhere = await serve((_, response) => json(response, { release: 'stolen' }));
    const { url } = await serve((_, response) => json(response, {}, 302, { location: `${elsewhere.url}/api/version` }));
    await expect(open(url).version()).rejects.toThrow(`redirects to ${elsewhere.url}`);
    expect(elsewhere.seen).toEqual([]);
  });

  it('refuses answers that are none of Label Studio, or too large', async () => {
    const page = await serve((_, response) => void response.end('<html>'));
    await expect(open(page.url).version()).rejects.toThrow('expected JSON');
    const other = await serve((_, response) => json(response, { version: 3 }));
    await expect(open(other.url).version()).rejects.toThrow('release');
    const large = await serve((_, response) => json(response, { release: 'x'.repeat(5000) }));
    await expect(open(large.url, { maxBytes: 1000 }).version()).rejects.toThrow('at most 1000 bytes');
  });

  it('reads all pages, and masks as bytes', async () => {
    const tasks = Array.from({ length: 5 }, (_, i) => ({ id: i + 1, data: { image: 'x' }, annotations: [], predictions: [] }));
    const { url, seen } = await serve(({ url: path }, response) => {
      const { pathname, searchParams } = new URL(path, 'http://x');
      if (pathname.endsWith('/annotations/')) {
        json(response, [{ id: 1, result: [{ value: { rle: [0, 255, 7] } }, { value: { rle: [0, 256] } }, { value: {} }] }]);
        return;
      }
      const start = 2 * (Number(searchParams.get('page')) - 1);
      json(response, { total: 5, tasks: tasks.slice(start, start + 2) });
    });
    const client = open(url);
    const found = [];
    for await (const task of client.tasks(3, { pageSize: 2 })) found.push(task.id);
    expect(found).toEqual([1, 2, 3, 4, 5]);
    expect(seen).toHaveLength(3);
    const [annotation] = await client.annotations(9);
    expect(annotation?.result).toEqual([{ value: { rle: Uint8Array.of(0, 255, 7) } }, { value: { rle: [0, 256] } }, { value: {} }]);
  });

  describe('a list that ends early', () => {
    const noPage = { status_code: 404, detail: 'Invalid page.' };
    const listed = async (second: (response: ServerResponse) => void, later: number) => {
      let asked = 0;
      const { url } = await serve(({ url: path }, response) => {
        if (new URL(path, 'http://x').searchParams.get('page') !== '1') second(response);
        else json(response, { total: asked++ === 0 ? 3 : later, tasks: [{ id: 1 }, { id: 2 }] });
      });
      const found = [];
      for await (const { id } of open(url, { attempts: 1 }).tasks(3, { pageSize: 2 })) found.push(id);
      return found;
    };

    it('has ended where it says itself that it is shorter now', async () => {
      expect(await listed((response) => json(response, noPage, 404), 2)).toEqual([1, 2]);
      expect(await listed((response) => json(response, { total: 3, tasks: [] }), 2)).toEqual([1, 2]);
    });

    it('is an error where it should go on, and where somebody else says that there is no page', async () => {
      await expect(listed((response) => json(response, noPage, 404), 3)).rejects.toThrow('expected 3, got 2 before its end');
      await expect(listed((response) => json(response, { total: 3, tasks: [] }), 3)).rejects.toThrow('expected 3, got 2');
      for (const said of [{}, { detail: 'Not Found' }, 'default backend - 404'])
        await expect(listed((response) => json(response, said, 404), 2)).rejects.toMatchObject({ code: 'LABEL_STUDIO_FAILED' });
    });

    it('is an error where there is no first page', async () => {
      const { url } = await serve((_, response) =>
        json(response, { status_code: 404, detail: 'No Project matches the given query.' }, 404),
      );
      await expect(open(url).tasks(3).next()).rejects.toThrow('404: No Project matches');
      await expect(open(url).projects().next()).rejects.toMatchObject({ code: 'LABEL_STUDIO_FAILED' });
    });
  });

  it('takes for gone what Label Studio itself says is not there, and nobody else', async () => {
    const words: [unknown, boolean][] = [
      [{ status_code: 404, version: '1.23.2', detail: 'No Annotation matches the given query.' }, true],
      [{ detail: 'Not Found' }, false],
      [{ status_code: 404 }, false],
      ['default backend - 404', false],
    ];
    for (const [said, gone] of words) {
      const { url } = await serve((_, response) => json(response, said, 404));
      const found = open(url).annotation(5);
      await (gone ? expect(found).resolves.toBeUndefined() : expect(found).rejects.toMatchObject({ code: 'LABEL_STUDIO_FAILED' }));
      const list = open(url).annotations(5);
      await (gone ? expect(list).resolves.toEqual([]) : expect(list).rejects.toMatchObject({ code: 'LABEL_STUDIO_FAILED' }));
    }
  });

  it.each(['ftp://x', 'label-studio', 'http://user:password@host', ''])('refuses the address %j', (url) => {
    expect(() => open(url)).toThrow('The address of Label Studio');
  });

  it('refuses a token that can be no header', () => {
    expect(() => open('http://x', { token: 'a\nb' })).toThrow('visible ASCII');
  });
});
