/** Requests to the shell, over real connections. */
import { describe, expect, it } from 'vitest';
import { messageOf, ProsamError } from '../../../../src/core/common/errors.ts';
import { AUTHORIZED, errorOf, JSON_BODY, closedApps, sendRaw } from './running-app.ts';
import { echo, failing } from './echo-route.ts';

const start = closedApps();

describe('a request', () => {
  it('is parsed by its schemas and answered as JSON', async () => {
    const { url } = await start([echo]);
    const response = await fetch(`${url}/v1/projects/a%2Fb/things?limit=3`, {
      method: 'POST',
      headers: { ...JSON_BODY, 'x-request-id': 'mine-1' },
      body: '{"name":"é"}',
    });
    expect(response.status).toBe(201);
    expect(response.headers.get('content-type')).toBe('application/json; charset=utf-8');
    expect(response.headers.get('x-extra')).toBe('yes');
    expect(response.headers.get('x-request-id')).toBe('mine-1');
    expect(await response.json()).toEqual({
      params: { project: 'a/b' },
      query: { limit: 3 },
      body: { name: 'é' },
      files: [],
      caller: 'tester',
      requestId: 'mine-1',
    });
  });

  it('may be a multipart form with files', async () => {
    const { url } = await start([echo]);
    for (const text of ['{"name":"x"}', new Blob(['{"name":"x"}'], { type: 'application/json' })]) {
      const form = new FormData();
      form.append('request', text);
      form.append('one', new Blob([new Uint8Array(3_000_000)]), '../../etc/passwd');
      form.append('two', new Blob([new Uint8Array(5)]));
      form.append('two', new Blob([]));
      const response = await fetch(`${url}/v1/projects/p/things`, { method: 'POST', headers: AUTHORIZED, body: form });
      expect(await response.json()).toMatchObject({
        body: { name: 'x' },
        files: [
          ['one', [3_000_000]],
          ['two', [5, 0]],
        ],
      });
    }
  });

  it('lists every field that is wrong: where, what was expected, what came', async () => {
    const { url } = await start([echo]);
    const body = JSON.stringify({ name: 7, sizes: [{ width: 1 }, { width: 'wide', height: 2 }], secret: 'x' });
    const response = await fetch(`${url}/v1/projects/p/things`, { method: 'POST', headers: JSON_BODY, body });
    expect(response.status).toBe(400);
    const { code, message } = await errorOf(response);
    expect(code).toBe('REQUEST_INVALID');
    expect(message).toContain('name: expected string, got 7');
    expect(message).toContain('sizes[1].width: expected number, got "wide"');
    expect(message).toContain('sizes[1]: unknown field height');
    expect(message).toContain('unknown field secret');
    const query = await fetch(`${url}/v1/projects/p/things?limit=11`, { method: 'POST', headers: JSON_BODY, body: '{"name":"x"}' });
    expect((await errorOf(query)).message).toMatch(/^The query of the request.*limit: .*<=10, got "11"/);
    const path = await fetch(`${url}/v1/projects/${'p'.repeat(51)}/things`, { method: 'POST', headers: JSON_BODY, body: '{"name":"x"}' });
    expect((await errorOf(path)).message).toMatch(/^The path of the request.*project: .*got a text of 51 characters/);
  });

  it.each([
    ['broken JSON', '{"name":', { ...JSON_BODY }, 400, 'REQUEST_INVALID'],
    ['bytes that are no text', Buffer.from([0x22, 0xff, 0x22]), { ...JSON_BODY }, 400, 'REQUEST_INVALID'],
    ['nothing', undefined, { ...JSON_BODY }, 400, 'REQUEST_INVALID'],
    ['a form', 'name=x', { ...AUTHORIZED, 'content-type': 'application/x-www-form-urlencoded' }, 415, 'REQUEST_UNSUPPORTED'],
    ['no content type', Buffer.from('{}'), { ...AUTHORIZED }, 415, 'REQUEST_UNSUPPORTED'],
    ['a packed body', '{}', { ...JSON_BODY, 'content-encoding': 'gzip' }, 415, 'REQUEST_UNSUPPORTED'],
    ['a form without a boundary', 'x', { ...AUTHORIZED, 'content-type': 'multipart/form-data' }, 400, 'REQUEST_INVALID'],
    [
      'a form cut short',
      '--b\r\nContent-Disposition: form-data; name="a"; filename="a"\r\n\r\nxx',
      { ...AUTHORIZED, 'content-type': 'multipart/form-data; boundary=b' },
      400,
      'REQUEST_INVALID',
    ],
    [
      'a form with other fields',
      '--b\r\nContent-Disposition: form-data; name="a"\r\n\r\nxx\r\n--b--\r\n',
      { ...AUTHORIZED, 'content-type': 'multipart/form-data; boundary=b' },
      400,
      'REQUEST_INVALID',
    ],
  ])('with %s is refused', async (_, body, headers, status, code) => {
    const { url } = await start([echo]);
    const response = await fetch(`${url}/v1/projects/p/things`, { method: 'POST', headers, ...(body === undefined ? {} : { body }) });
    expect([response.status, (await errorOf(response)).code]).toEqual([status, code]);
  });

  it('does not get its text repeated when it is no JSON', async () => {
    const { url } = await start([echo]);
    const response = await fetch(`${url}/v1/projects/p/things`, { method: 'POST', headers: JSON_BODY, body: '{"name": hunter2}' });
    expect(await response.text()).not.toContain('hunter2');
  });

  it('to nowhere gets 404, with the wrong method 405 and what is allowed', async () => {
    const { url } = await start([echo, failing(() => new Error('x'))]);
    const nowhere = await fetch(`${url}/v1/nowhere`, { headers: { 'x-request-id': 'r' } });
    expect([nowhere.status, await errorOf(nowhere)]).toEqual([
      404,
      expect.objectContaining({ code: 'ROUTE_NOT_FOUND', requestId: 'r', hint: expect.stringContaining('openapi') as string }),
    ]);
    const wrong = await fetch(`${url}/v1/projects/p/things`, { method: 'DELETE', headers: AUTHORIZED });
    expect([wrong.status, wrong.headers.get('allow')]).toEqual([405, 'POST']);
    const options = await fetch(`${url}/v1/projects/p/things`, { method: 'OPTIONS' });
    expect([options.headers.get('allow'), options.headers.get('access-control-allow-origin')]).toEqual(['POST', null]);
    const path = await fetch(`${url}/v1/projects/%E0%A4%A/things`, { method: 'POST', headers: JSON_BODY, body: '{}' });
    expect([path.status, (await errorOf(path)).code]).toEqual([400, 'REQUEST_INVALID']);
  });

  it('keeps a harmless request id and replaces any other', async () => {
    const { port } = await start([echo]);
    const ask = async (id: string): Promise<string> => {
      const { text, socket } = await sendRaw(port, `GET /health HTTP/1.1\r\nHost: x\r\nX-Request-Id: ${id}\r\n\r\n`);
      socket.destroy();
      return text;
    };
    expect(await ask('abc.1_2:3-4')).toContain('x-request-id: abc.1_2:3-4\r\n');
    for (const id of ['a b', '<script>', 'x'.repeat(65), 'a;b', 'é', '-']) {
      const text = await ask(id);
      expect(text).toMatch(/x-request-id: [0-9a-f]{8}-[0-9a-f-]{27}\r\n/);
    }
    // A line break in it does not even parse as a header that could be echoed.
    const split = await ask('a\r\nSet-Cookie: owned=1');
    expect(split.toLowerCase()).not.toContain('set-cookie');
    expect((await ask('a\nX-Evil: 1')).toLowerCase()).not.toContain('x-evil');
    expect((await ask('a\rX-Evil: 1')).toLowerCase()).not.toContain('x-evil');
  });

  it('tells of what no caller could help, and of nothing else', async () => {
    const told: string[] = [];
    const thrown: Error[] = [
      new Error('nobody foresaw this'),
      new ProsamError('BLOB_DAMAGED', 'bytes changed'),
      new ProsamError('REFERENCE_MISSING', 'mark one'),
    ];
    const { url } = await start([failing(() => thrown.shift())], {
      onFailure: (error, asked) => void told.push(`${asked}: ${messageOf(error)}`),
    });
    for (let i = 0; i < 3; i++) await fetch(`${url}/v1/fail?secret=1`, { headers: AUTHORIZED });
    await fetch(`${url}/v1/nothing`, { headers: AUTHORIZED });
    expect(told).toEqual(['GET /v1/fail: nobody foresaw this', 'GET /v1/fail: bytes changed']);
  });
});
