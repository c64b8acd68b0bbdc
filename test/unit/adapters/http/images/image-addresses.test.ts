/** Images at an address: what is fetched, from whom, for how long, and what is refused. */
import type { RequestListener } from 'node:http';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { createImageSources } from '../../../../../src/adapters/http/images/image-sources.ts';
import { imageBench, outcome, PNG } from './image-bench.ts';

const { open, serve } = imageBench();

describe('an address', () => {
  it('is fetched where its host is allowed', async () => {
    const { url, port, asked } = await serve((_, response) => void response.end(PNG));
    for (const allowHosts of [['127.0.0.1'], [`127.0.0.1:${port}`], ['127.0.0.0/8']]) {
      const wanted = allowHosts[0] === '127.0.0.0/8' ? { allowHosts, allowPorts: [port] } : { allowHosts };
      expect([allowHosts, await outcome(open(wanted), { url: `${url}/a.png?sig=x` })]).toEqual([allowHosts, PNG.byteLength]);
    }
    expect(asked[0]).toMatchObject({ path: '/a.png?sig=x', headers: { 'accept-encoding': 'identity' } });
    for (const allowHosts of [['127.0.0.2'], [`127.0.0.1:${port + 1}`], ['localhost'], ['128.0.0.0/8']]) {
      expect([allowHosts, await outcome(open({ allowHosts, allowPorts: [port] }), { url })]).toEqual([allowHosts, 'URL_REFUSED']);
    }
  });

  it('is refused where its port is not one of those fetched from', async () => {
    const { port } = await serve((_, response) => void response.end(PNG));
    const lookup = (): Promise<{ address: string; family: number }[]> => Promise.resolve([{ address: '127.0.0.1', family: 4 }]);
    const at = (allowPorts?: number[]): Promise<string | number> =>
      outcome(open({ allowHosts: ['127.0.0.1/32'], lookup, ...(allowPorts ? { allowPorts } : {}) }), {
        url: `http://images.test:${port}/`,
      });
    expect(await at()).toBe('URL_REFUSED');
    expect(await at([port])).toBe(PNG.byteLength);
  });

  it.each([
    ['an error', (_, response) => void response.writeHead(404).end('gone'), 'URL_FAILED'],
    ['no content', (_, response) => void response.writeHead(204).end(), 'URL_FAILED'],
    ['a page', (_, response) => void response.end('<!doctype html><title>Login</title>'), 'IMAGE_UNREADABLE'],
    ['nothing', (_, response) => void response.end(), 'IMAGE_UNREADABLE'],
    ['a hang-up', (request) => void request.socket.destroy(), 'URL_FAILED'],
    [
      'less than it said',
      (request, response) => {
        response.writeHead(200, { 'content-length': '1000' });
        response.write(PNG);
        setTimeout(() => request.socket.destroy(), 20);
      },
      'URL_FAILED',
    ],
    [
      'a length that is too large',
      (_, response) => void response.writeHead(200, { 'content-length': '2000000' }).write(PNG),
      'IMAGE_TOO_LARGE',
    ],
    [
      'a packed body',
      (_, response) => void response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync(Buffer.alloc(50_000_000))),
      'URL_FAILED',
    ],
    ['a redirect to nowhere', (_, response) => void response.writeHead(302).end(), 'URL_FAILED'],
    ['a redirect to nonsense', (_, response) => void response.writeHead(302, { location: 'http://[' }).end(), 'URL_FAILED'],
    ['redirects without end', (_, response) => void response.writeHead(307, { location: '/again' }).end(), 'URL_FAILED'],
  ] satisfies [string, RequestListener, string][])('that answers with %s fails', async (_, response, code) => {
    const { url } = await serve(response);
    expect(await outcome(open({ allowHosts: ['127.0.0.1'], maxBytes: 1_000_000 }), { url })).toBe(code);
  });

  it('is followed five times, not six', async () => {
    const { url, asked } = await serve((request, response) => {
      const left = Number((request.url ?? '').slice(1));
      if (left === 0) response.end(PNG);
      else response.writeHead(301, { location: `/${left - 1}` }).end();
    });
    const sources = open({ allowHosts: ['127.0.0.1'] });
    expect(await outcome(sources, { url: `${url}/5` })).toBe(PNG.byteLength);
    expect(asked.length).toBe(6);
    expect(await outcome(sources, { url: `${url}/6` })).toBe('URL_FAILED');
  });

  it('that never stops sending is cut off', async () => {
    let cutOff = (): void => undefined;
    const ended = new Promise<void>((resolve) => (cutOff = resolve));
    const { url } = await serve((_, response) => {
      response.write(PNG);
      const more = setInterval(() => response.write(Buffer.alloc(100_000)), 1);
      response.on('close', () => {
        clearInterval(more);
        cutOff();
      });
    });
    expect(await outcome(open({ allowHosts: ['127.0.0.1'], maxBytes: 1_000_000 }), { url })).toBe('IMAGE_TOO_LARGE');
    await ended;
  });

  it.each([
    ['says nothing', () => undefined],
    [
      'trickles its body',
      (_, response) => {
        response.write(PNG);
        const more = setInterval(() => response.write('x'), 20);
        response.on('close', () => clearInterval(more));
      },
    ],
    [
      'trickles its head',
      (request) => {
        request.socket.write('HTTP/1.1 200 OK\r\n');
        const more = setInterval(() => request.socket.write('X-A: b\r\n'), 20);
        request.socket.on('close', () => clearInterval(more));
      },
    ],
    ['redirects slowly', (_, response) => void setTimeout(() => response.writeHead(302, { location: '/' }).end(), 150)],
  ] satisfies [string, RequestListener][])('that %s has its time', async (_, response) => {
    const { url } = await serve(response);
    const sources = open({ allowHosts: ['127.0.0.1'], timeoutMs: 400 });
    expect(await outcome(sources, { url: `${url}/a?sig=hunter2` })).toBe('URL_FAILED');
  });

  it('is let go when the caller goes', async () => {
    const { url } = await serve(() => undefined);
    const away = new AbortController();
    const read = open({ allowHosts: ['127.0.0.1'] }).read({ url }, { signal: away.signal });
    setTimeout(() => away.abort(new Error('gone')), 50);
    await expect(read).rejects.toThrow('gone');
  });

  it('does not show what may be signed', async () => {
    const { url } = await serve((_, response) => void response.writeHead(403).end());
    const failure = await open({ allowHosts: ['127.0.0.1'] })
      .read({ url: `${url}/a.png?X-Amz-Signature=hunter2#hunter2` })
      .catch((error: unknown) => error as Error);
    expect(String(failure as Error)).toContain(`${url}/a.png`);
    expect(JSON.stringify([String(failure as Error), (failure as Error).cause])).not.toContain('hunter2');
  });

  it('gets headers of its own origin only, and never again once it was left', async () => {
    const headers = { authorization: 'Token hunter2' };
    const other = await serve((request, response) => {
      if (request.url === '/back') response.writeHead(302, { location: `${first.url}/end` }).end();
      else response.end(PNG);
    });
    const first = await serve((request, response) => {
      if (request.url === '/away') response.writeHead(302, { location: `${other.url}/end` }).end();
      else if (request.url === '/round') response.writeHead(302, { location: `${other.url}/back` }).end();
      else if (request.url === '/within') response.writeHead(302, { location: '/end' }).end();
      else response.end(PNG);
    });
    const sources = open({ allowHosts: ['127.0.0.1'] });
    const seen = async (path: string): Promise<unknown[]> => {
      first.asked.length = 0;
      other.asked.length = 0;
      await sources.read({ url: first.url + path }, { headers });
      return [first.asked.map((one) => one.headers.authorization), other.asked.map((one) => one.headers.authorization)];
    };
    expect(await seen('/direct')).toEqual([['Token hunter2'], []]);
    expect(await seen('/within')).toEqual([['Token hunter2', 'Token hunter2'], []]);
    expect(await seen('/away')).toEqual([['Token hunter2'], [undefined]]);
    expect(await seen('/round')).toEqual([['Token hunter2', undefined], [undefined]]);
  });
});

it('a list of allowed hosts that is none is told at once', () => {
  for (const entry of ['', 'a b', 'http://host', 'host/path', 'host:port', '10.0.0.0/40', 'user@host']) {
    expect(() => createImageSources({ allowHosts: [entry] }), entry).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }) as Error);
  }
});
