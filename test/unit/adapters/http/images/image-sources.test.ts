/** Images from every place a request can name: what is read, and what is refused. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { readBase64 } from '../../../../../src/adapters/http/images/base64-image.ts';
import { imageInputSchema, type ImageInputJson, type ImageSources } from '../../../../../src/adapters/http/images/image-input.ts';
import { createImageSources, type ImageSourceOptions } from '../../../../../src/adapters/http/images/image-sources.ts';
import { isProsamError } from '../../../../../src/core/common/errors.ts';

/** Begins like a PNG; nothing here decodes it. */
const PNG = Buffer.concat([Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]), Buffer.alloc(100, 7)]);

const opened: { close(): unknown }[] = [];

function open(options: ImageSourceOptions = {}): ImageSources {
  const sources = createImageSources({ timeoutMs: 5000, ...options });
  opened.push(sources);
  return sources;
}

async function serve(
  answer: RequestListener,
): Promise<{ url: string; port: number; asked: { path: string; headers: Record<string, unknown> }[] }> {
  const asked: { path: string; headers: Record<string, unknown> }[] = [];
  const server: Server = createServer((request, response) => {
    asked.push({ path: request.url ?? '', headers: request.headers });
    answer(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()));
  opened.push({ close: () => (server.closeAllConnections(), server.close()) });
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, port, asked };
}

/** Code of what it is refused with, or the length of what was read. */
async function outcome(
  sources: ImageSources,
  input: ImageInputJson,
  options?: Parameters<ImageSources['read']>[1],
): Promise<string | number> {
  try {
    const read = await sources.read(input, options);
    return 'sha256' in read ? read.sha256 : read.byteLength;
  } catch (error) {
    return isProsamError(error) ? error.code : String(error);
  }
}

afterEach(async () => {
  await Promise.all(opened.splice(0).map((one) => one.close()));
});

describe('bytes in the request', () => {
  const base64 = PNG.toString('base64');

  it('may be base64, a data: address or a file part, or a hash', async () => {
    const sources = open();
    for (const input of [{ base64 }, { url: `data:image/png;base64,${base64}` }, { url: `DATA:;BASE64,${base64}` }]) {
      expect(imageInputSchema.parse(input)).toEqual(input);
      expect(await outcome(sources, input)).toBe(PNG.byteLength);
    }
    const files = new Map([
      ['a', [PNG]],
      ['two', [PNG, PNG]],
    ]);
    expect(await outcome(sources, { file: 'a' }, { files })).toBe(PNG.byteLength);
    expect(await outcome(sources, { file: 'two' }, { files })).toBe('REQUEST_INVALID');
    expect(await outcome(sources, { file: 'b' }, { files })).toBe('REQUEST_INVALID');
    expect(await outcome(sources, { file: 'a' })).toBe('REQUEST_INVALID');
    expect(await outcome(sources, { sha256: 'a'.repeat(64) })).toBe('a'.repeat(64));
  });

  it('may be a data: address longer than any other address', () => {
    expect(imageInputSchema.safeParse({ url: `data:image/png;base64,${'A'.repeat(100_000)}` }).success).toBe(true);
    expect(imageInputSchema.safeParse({ url: `http://h/${'A'.repeat(100_000)}` }).success).toBe(false);
  });

  it('are bounded and must begin like an image', async () => {
    const sources = open({ maxBytes: 107 });
    expect(await outcome(sources, { base64 })).toBe('IMAGE_TOO_LARGE');
    expect(await outcome(sources, { url: `data:;base64,${base64}` })).toBe('IMAGE_TOO_LARGE');
    expect(await outcome(sources, { file: 'a' }, { files: new Map([['a', [PNG]]]) })).toBe('IMAGE_TOO_LARGE');
    expect(await outcome(sources, { base64: Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"/>').toString('base64') })).toBe(
      'IMAGE_UNREADABLE',
    );
    for (const url of ['data:image/png,raw', 'data:', `data:${'x'.repeat(300)};base64,${base64}`, 'data:image/png;base64,****']) {
      expect([url, await outcome(sources, { url })]).toEqual([url, 'REQUEST_INVALID']);
    }
  });

  it('are read as base64 exactly where they are base64', () => {
    const strict = /^(?:[A-Za-z0-9+/_-]{4})*(?:[A-Za-z0-9+/_-]{2}(?:==)?|[A-Za-z0-9+/_-]{3}=?)?$/;
    const text = fc.oneof(
      fc.base64String({ maxLength: 40 }),
      fc.string({ unit: fc.constantFrom('A', '/', '+', '-', '_', '=', ' ', '\n', 'é', '\u0141', '*'), maxLength: 12 }),
      fc.string({ unit: 'binary', maxLength: 12 }),
      fc
        .tuple(fc.base64String({ minLength: 4, maxLength: 20 }), fc.nat(), fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }))
        .map(([one, at, other]) => {
          const place = at % one.length;
          return one.slice(0, place) + other + one.slice(place + 1);
        }),
    );
    const property = fc.property(text, (one) => {
      const read = (): Uint8Array => readBase64(one, 1000);
      if (one !== '' && strict.test(one)) expect(Buffer.from(read())).toEqual(Buffer.from(one, 'base64'));
      else expect(read).toThrow(expect.objectContaining({ code: 'REQUEST_INVALID' }) as Error);
    });
    fc.assert(property, { numRuns: 2000 });
  });
});

describe('a path', () => {
  let root: string;
  let folder: string;

  beforeAll(() => {
    root = mkdtempSync(join(tmpdir(), 'prosam-images-'));
    folder = join(root, 'images');
    mkdirSync(join(folder, 'sub'), { recursive: true });
    mkdirSync(join(root, 'images-too'));
    writeFileSync(join(folder, 'a.png'), PNG);
    writeFileSync(join(folder, 'sub', 'b.png'), PNG);
    writeFileSync(join(folder, '..c.png'), PNG);
    writeFileSync(join(folder, 'text.png'), 'root:x:0:0');
    writeFileSync(join(root, 'secret.png'), PNG);
    writeFileSync(join(root, 'images-too', 'secret.png'), PNG);
    symlinkSync(join(root, 'secret.png'), join(folder, 'out.png'));
    symlinkSync(root, join(folder, 'up'));
    symlinkSync('../images-too', join(folder, 'beside'));
    symlinkSync('a.png', join(folder, 'inside.png'));
    symlinkSync('loop', join(folder, 'loop'));
    execFileSync('mkfifo', [join(folder, 'pipe.png')]);
  });
  afterAll(() => rmSync(root, { recursive: true }));

  it('leads to files below the folder', async () => {
    const sources = open({ folder });
    for (const path of ['a.png', './a.png', 'sub/b.png', 'sub//b.png', '..c.png', 'inside.png']) {
      expect([path, await outcome(sources, { path })]).toEqual([path, PNG.byteLength]);
    }
  });

  it('never leads out of it', async () => {
    const sources = open({ folder });
    const leaving = [
      '../secret.png',
      'sub/../../secret.png',
      '..',
      'sub/..',
      '/etc/passwd',
      join(root, 'secret.png'),
      join(folder, 'a.png'),
      '..\\secret.png',
      'sub\\..\\..\\secret.png',
      'C:\\secret.png',
      'c:secret.png',
      '\\\\host\\share',
      'a.png\0',
      '\0',
      '//etc/passwd',
    ];
    for (const path of leaving) expect([path, await outcome(sources, { path })]).toEqual([path, 'REQUEST_INVALID']);
    // Encoded it is just a strange name; a link out, a folder, a pipe and nothing at all are one answer.
    const missing = [
      '%2e%2e/secret.png',
      '..%2fsecret.png',
      '%2e%2e%2fsecret.png',
      '..%c0%afsecret.png',
      '．．/secret.png',
      'out.png',
      'up/secret.png',
      'beside/secret.png',
      'loop',
      'pipe.png',
      'sub',
      '.',
      './',
      'none.png',
      'a.png/b',
      'file:///etc/passwd',
      '~/x',
      'x'.repeat(5000),
    ];
    for (const path of missing) expect([path, await outcome(sources, { path })]).toEqual([path, 'FILE_NOT_FOUND']);
    await sources.read({ path: 'out.png' }).catch((error: unknown) => expect(String(error)).not.toContain(root));
  });

  it('leads to images of a bounded size only, and nowhere without a folder', async () => {
    expect(await outcome(open({ folder, maxBytes: 107 }), { path: 'a.png' })).toBe('IMAGE_TOO_LARGE');
    expect(await outcome(open({ folder }), { path: 'text.png' })).toBe('IMAGE_UNREADABLE');
    expect(await outcome(open({ folder: join(root, 'none') }), { path: 'a.png' })).toBe('FILE_NOT_FOUND');
    expect(await outcome(open(), { path: 'a.png' })).toBe('REQUEST_INVALID');
  });
});

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
  ] satisfies [string, RequestListener, string][])('that answers with %s fails', async (_, answer, code) => {
    const { url } = await serve(answer);
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
    let sent = 0;
    const { url } = await serve((_, response) => {
      response.write(PNG);
      const more = setInterval(() => {
        sent += 100_000;
        response.write(Buffer.alloc(100_000));
      }, 1);
      response.on('close', () => clearInterval(more));
    });
    expect(await outcome(open({ allowHosts: ['127.0.0.1'], maxBytes: 1_000_000 }), { url })).toBe('IMAGE_TOO_LARGE');
    await new Promise((resolve) => setTimeout(resolve, 100));
    const then = sent;
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(sent).toBe(then);
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
  ] satisfies [string, RequestListener][])('that %s has its time', async (_, answer) => {
    const { url } = await serve(answer);
    const started = performance.now();
    const sources = open({ allowHosts: ['127.0.0.1'], timeoutMs: 400 });
    expect(await outcome(sources, { url: `${url}/a?sig=hunter2` })).toBe('URL_FAILED');
    expect(performance.now() - started).toBeLessThan(1500);
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
