/** Which addresses of images are fetched, from where, and with whose token. */
import fc from 'fast-check';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import sharp from 'sharp';
import { createImageSources } from '../../../src/adapters/http/images/image-sources.ts';
import { createLabelStudioClient } from '../../../src/adapters/label-studio/api/client.ts';
import { imageAddress } from '../../../src/adapters/label-studio/connection/addresses.ts';
import { createConnectionClients } from '../../../src/adapters/label-studio/connection/clients.ts';
import { createCheckedFetch } from '../../../src/adapters/label-studio/connection/fetch.ts';
import { createFetchImage } from '../../../src/adapters/label-studio/connection/images.ts';
import type { Connection } from '../../../src/adapters/label-studio/types.ts';

const HOST = 'http://studio.local:8080';

describe('the address of an image', () => {
  it.each([
    ['/data/upload/1/ab-x.png', `${HOST}/data/upload/1/ab-x.png`],
    ['/data/upload/1/a%20b.png', `${HOST}/data/upload/1/a%20b.png`],
    ['/data/local-files/?d=set1/a.png', `${HOST}/data/local-files/?d=set1/a.png`],
    ['/storage-data/uploaded/?filepath=upload/1/a.png', `${HOST}/storage-data/uploaded/?filepath=upload/1/a.png`],
    ['/tasks/7/presign/?fileuri=czM6', `${HOST}/tasks/7/presign/?fileuri=czM6`],
    [`${HOST}/data/upload/1/ab-x.png`, `${HOST}/data/upload/1/ab-x.png`],
    ['s3://bucket/dir/x 1.jpg', `${HOST}/tasks/7/presign/?fileuri=${Buffer.from('s3://bucket/dir/x 1.jpg').toString('base64url')}`],
    ['gs://bucket/x.jpg', `${HOST}/tasks/7/presign/?fileuri=${Buffer.from('gs://bucket/x.jpg').toString('base64url')}`],
    ['azure-blob://c/x.jpg', `${HOST}/tasks/7/presign/?fileuri=${Buffer.from('azure-blob://c/x.jpg').toString('base64url')}`],
  ])('of Label Studio: %s', (value, url) => {
    expect(imageAddress(value, 7, HOST)).toMatchObject({ from: 'label-studio', url });
  });

  it('keeps the path Label Studio lies under', () => {
    const under = `${HOST}/tools/ls`;
    for (const value of ['/data/upload/1/a.png', '/tools/ls/data/upload/1/a.png', `${under}/data/upload/1/a.png`]) {
      expect(imageAddress(value, 7, under)).toEqual({
        from: 'label-studio',
        url: `${under}/data/upload/1/a.png`,
        fallback: `${under}/storage-data/uploaded/?filepath=upload%2F1%2Fa.png`,
      });
    }
  });

  it.each([
    'https://example.com/a.jpg',
    'http://studio.local/data/upload/1/a.png',
    'https://studio.local:8080/data/upload/1/a.png',
    'http://studio.local.evil.com:8080/data/upload/1/a.png',
    'http://169.254.169.254/latest/meta-data',
    'data:image/png;base64,iVBORw0KGgo=',
  ])('of somebody else, and without a token: %s', (value) => {
    expect(imageAddress(value, 7, HOST)).toEqual({ from: 'elsewhere', url: value });
  });

  it.each([
    'file:///etc/passwd',
    'ftp://x/y.png',
    'javascript:alert(1)',
    '/data/upload/../../../etc/passwd',
    '/data/upload/1/..%2f..%2fsecret.png',
    '/data/upload/1/%252e%252e/secret.png',
    '/data/local-files/?d=../secret.txt',
    '/data/local-files/?d=a/%2e%2e/secret.txt',
    '/data/upload\\..\\x.png',
    '/api/users/',
    '/api/token/refresh/',
    '/user/login',
    '/tasks/7/delete',
    `${HOST}/api/users/`,
    '//evil.com/data/upload/1/a.png',
    '/\\evil.com/data/upload/1/a.png',
    'data/upload/1/a.png',
    '',
    '/data/upload/%zz',
  ])('is refused: %j', (value) => {
    expect(() => imageAddress(value, 7, HOST)).toThrow(expect.objectContaining({ code: 'URL_REFUSED' }) as Error);
  });

  it('never leads to Label Studio beyond its files, nor anywhere else with its token', () => {
    const piece = fc.constantFrom(
      '/',
      '..',
      '.',
      '%2e',
      '%2f',
      '\\',
      'data',
      'upload',
      'api',
      'local-files',
      '?d=',
      '//',
      '@',
      ':',
      'evil.com',
      'http://',
      HOST,
      '#',
      ' ',
      'a.png',
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 8 }), (pieces) => {
        let found;
        try {
          found = imageAddress(pieces.join(''), 7, HOST);
        } catch {
          return;
        }
        if (found.from !== 'label-studio') return;
        const { origin, pathname, href } = new URL(found.url);
        expect(origin).toBe(HOST);
        expect(pathname).toMatch(/^\/(data\/upload\/|data\/local-files\/?$|storage-data\/uploaded\/?$|tasks\/\d+\/(presign|resolve)\/?$)/);
        expect(decodeURIComponent(href)).not.toMatch(/[/\\=]\.\.([/\\]|$)/);
      }),
      { numRuns: 2000 },
    );
  });
});

describe('reading images of tasks', () => {
  const seen: { host: string; url: string; authorization: string | undefined }[] = [];
  let picture: Buffer;
  let studio: ReturnType<typeof createServer>;
  let bucket: ReturnType<typeof createServer>;
  const hostOf = (server: ReturnType<typeof createServer>): string => `127.0.0.1:${(server.address() as AddressInfo).port}`;
  let sources: ReturnType<typeof createImageSources>[];
  let read: (value: string) => Promise<unknown>;

  beforeAll(async () => {
    picture = await sharp({ create: { width: 8, height: 8, channels: 3, background: 'red' } })
      .png()
      .toBuffer();
    bucket = createServer((request, response) => {
      seen.push({ host: 'bucket', url: request.url ?? '', authorization: request.headers.authorization });
      response.end(picture);
    });
    studio = createServer((request, response) => {
      const { url = '' } = request;
      const { authorization, accept = '' } = request.headers;
      seen.push({ host: 'studio', url, authorization });
      if (authorization !== 'Token secret') response.writeHead(401).end('{}');
      // Its interface knows no "image/*" alone.
      else if (!accept.includes('*/*')) response.writeHead(406).end('{}');
      else if (url.startsWith('/tasks/')) response.writeHead(303, { location: `http://${hostOf(bucket)}/signed?key=1` }).end();
      else if (url.startsWith('/data/upload/1/moved')) response.writeHead(404).end();
      else response.end(picture);
    });
    for (const server of [studio, bucket]) await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    const [own, elsewhere] = [createImageSources({ allowHosts: [hostOf(studio), hostOf(bucket)] }), createImageSources()];
    sources = [own, elsewhere];
    const fetchImage = createFetchImage({ own, elsewhere, clients: createConnectionClients() });
    const connection: Connection = {
      ...{
        key: '1.2',
        projectId: 1,
        project: 'p',
        hostname: `http://${hostOf(studio)}`,
        token: 'secret',
        labelConfig: '',
        extraParams: {},
      },
    };
    read = (value) => fetchImage({ id: 7, data: {} }, value, connection);
  });
  afterAll(async () => {
    for (const one of sources) await one.close();
    for (const server of [studio, bucket]) server.close();
  });

  it('shows uploads and local files the token', async () => {
    seen.length = 0;
    expect(await read('/data/upload/1/a.png')).toEqual(picture);
    expect(await read('/data/local-files/?d=a.png')).toEqual(picture);
    expect(seen.every(({ host, authorization }) => host === 'studio' && authorization === 'Token secret')).toBe(true);
  });

  it('follows to a bucket and leaves the token behind', async () => {
    seen.length = 0;
    expect(await read('s3://bucket/a.png')).toEqual(picture);
    expect(seen).toMatchObject([
      { host: 'studio', authorization: 'Token secret' },
      { host: 'bucket', url: '/signed?key=1', authorization: undefined },
    ]);
  });

  it('finds uploads that lie in a bucket', async () => {
    seen.length = 0;
    expect(await read('/data/upload/1/moved.png')).toEqual(picture);
    expect(seen.map(({ url }) => url)).toEqual(['/data/upload/1/moved.png', '/storage-data/uploaded/?filepath=upload%2F1%2Fmoved.png']);
  });

  it('asks no inner network on behalf of a task', async () => {
    seen.length = 0;
    for (const value of [`http://${hostOf(bucket)}/a.png`, 'http://169.254.169.254/latest/meta-data', 'http://localhost/x.png']) {
      await expect(read(value)).rejects.toMatchObject({ code: 'URL_REFUSED' });
    }
    expect(seen).toEqual([]);
  });

  it('reads data: URIs', async () => {
    expect(await read(`data:image/png;base64,${picture.toString('base64')}`)).toEqual(picture);
  });
});

describe('calls to a Label Studio that a request named', () => {
  it('go to no private address unless it is allowed, not even by a name that leads there', async () => {
    let asked = 0;
    const server = createServer((_, response) => {
      asked++;
      response.end('{"release":"1.23.2"}');
    });
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    const { port } = server.address() as AddressInfo;
    const lookup = () => Promise.resolve([{ address: '127.0.0.1', family: 4 }]);
    const [guarded, allowing] = [
      createCheckedFetch({ allowPorts: [port], lookup }),
      createCheckedFetch({ allowHosts: [`127.0.0.1:${port}`] }),
    ];
    try {
      for (const host of ['127.0.0.1', '[::1]', '0x7f.1', '169.254.169.254', 'studio.example.org']) {
        const client = createLabelStudioClient({ url: `http://${host}:${port}`, fetch: guarded.fetch, attempts: 1 });
        await expect(client.version(), host).rejects.toMatchObject({ code: 'URL_REFUSED' });
      }
      expect(asked).toBe(0);
      expect(await createLabelStudioClient({ url: `http://127.0.0.1:${port}`, fetch: allowing.fetch }).version()).toBe('1.23.2');
    } finally {
      await guarded.close();
      await allowing.close();
      server.close();
    }
  });
});
