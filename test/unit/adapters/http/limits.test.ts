/** Too much, too slow, too many: what one client sends must not hold up the others. Real sockets, short limits. */
import { connect } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { errorOf, JSON_BODY, sendRaw, TOKEN } from './running-app.ts';
import { bodies, takingApps } from './taking-app.ts';

const start = takingApps();

const head = (path: string, ...more: string[]): string =>
  [`POST ${path} HTTP/1.1`, 'Host: x', `Authorization: Bearer ${TOKEN}`, 'Content-Type: application/json', ...more, '', ''].join('\r\n');

describe('a body that is too large', () => {
  it('is refused by what it declares, before any of it came', async () => {
    const { port } = await start({ limits: { maxBodyBytes: 1000 } });
    const { text, socket } = await sendRaw(port, head('/v1/take', 'Content-Length: 1001'));
    socket.destroy();
    expect(text).toMatch(/^HTTP\/1\.1 413 [^]*"REQUEST_TOO_LARGE"/);
  });

  it('is refused in the middle where it declares nothing, and the connection ends', async () => {
    const { port } = await start({ limits: { maxBodyBytes: 1000 } });
    const chunk = `${(600).toString(16)}\r\n${' '.repeat(600)}\r\n`;
    const { text, socket } = await sendRaw(port, head('/v1/take', 'Transfer-Encoding: chunked') + chunk + chunk);
    expect(text).toMatch(/^HTTP\/1\.1 413 [^]*"REQUEST_TOO_LARGE"/);
    // Whoever goes on sending is cut off.
    const more = setInterval(() => socket.write(chunk), 20);
    await new Promise((resolve) => socket.once('close', resolve));
    clearInterval(more);
    expect(bodies).toEqual([]);
  });

  it('still gets its answer read by an ordinary client that sends megabytes', async () => {
    const { url } = await start({ limits: { maxBodyBytes: 1000 } });
    const response = await fetch(`${url}/v1/take`, { method: 'POST', headers: JSON_BODY, body: `"${'x'.repeat(8_000_000)}"` });
    expect([response.status, (await errorOf(response)).code]).toEqual([413, 'REQUEST_TOO_LARGE']);
  });

  it('has the limit of its route', async () => {
    const { url } = await start();
    const send = (path: string, length: number): Promise<Response> =>
      fetch(`${url}/v1/${path}`, { method: 'POST', headers: JSON_BODY, body: `"${'x'.repeat(length - 2)}"` });
    expect((await send('small', 100)).status).toBe(200);
    expect((await send('small', 101)).status).toBe(413);
    expect((await send('take', 101)).status).toBe(200);
  });

  it('is cut off where no body was expected at all', async () => {
    const { port } = await start();
    const chunk = `${(60000).toString(16)}\r\n${' '.repeat(60000)}\r\n`;
    const { text, socket } = await sendRaw(port, head('/v1/bodyless', 'Transfer-Encoding: chunked') + chunk);
    expect(text).toMatch(/^HTTP\/1\.1 200/);
    const more = setInterval(() => socket.write(chunk), 50);
    await new Promise((resolve) => socket.once('close', resolve));
    clearInterval(more);
  });

  it('does not get past the head either', async () => {
    const { port } = await start();
    const { text } = await sendRaw(port, `GET /health HTTP/1.1\r\nHost: x\r\nX-Long: ${'x'.repeat(20_000)}\r\n\r\n`);
    expect(text).toMatch(/^HTTP\/1\.1 413 [^]*"REQUEST_TOO_LARGE"/);
  });

  it('needs credentials first', async () => {
    const { port } = await start();
    const { text, socket } = await sendRaw(
      port,
      'POST /v1/take HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 30000000\r\n\r\n',
    );
    socket.destroy();
    expect(text).toMatch(/^HTTP\/1\.1 401/);
  });
});

describe('a slow client', () => {
  it('that trickles its body gets 408 when the time is over', async () => {
    const { port } = await start({ limits: { bodyTimeoutMs: 400 } });
    const socket = connect(port, '127.0.0.1');
    let text = '';
    socket.setEncoding('utf8').on('data', (piece: string) => (text += piece));
    socket.on('error', () => undefined);
    socket.write(head('/v1/take', 'Content-Length: 1000'));
    const trickle = setInterval(() => socket.write(' '), 30);
    await expect.poll(() => text).toMatch(/^HTTP\/1\.1 408 [^]*"REQUEST_TIMEOUT"/);
    await new Promise((resolve) => socket.once('close', resolve));
    clearInterval(trickle);
    expect(bodies).toEqual([]);
  });

  it('that trickles its head gets 408 too', async () => {
    const { port } = await start({ listen: { headersTimeoutMs: 300 } });
    const socket = connect(port, '127.0.0.1');
    let text = '';
    socket.setEncoding('utf8').on('data', (piece: string) => (text += piece));
    socket.on('error', () => undefined);
    socket.write('POST /v1/take HTTP/1.1\r\n');
    const trickle = setInterval(() => socket.write('X-A: b\r\n'), 30);
    await new Promise((resolve) => socket.once('close', resolve));
    clearInterval(trickle);
    expect(text).toMatch(/^HTTP\/1\.1 408 [^]*"REQUEST_TIMEOUT"/);
  });

  it('that says nothing, or nonsense, is let go', async () => {
    const { port } = await start({ listen: { headersTimeoutMs: 300 } });
    const said = await sendRaw(port, '');
    if (!said.socket.closed) await new Promise((resolve) => said.socket.once('close', resolve));
    const patient = await start();
    expect((await sendRaw(patient.port, 'EHLO there\r\n\r\n')).text).toMatch(/^HTTP\/1\.1 400 [^]*"REQUEST_INVALID"/);
  });

  it('that breaks off its body leaves nothing behind', async () => {
    const { port, log } = await start();
    const socket = connect(port, '127.0.0.1');
    socket.write(head('/v1/take', 'Content-Length: 1000'));
    await wait(50);
    socket.destroy();
    await expect.poll(() => log.length).toBe(1);
    expect(log[0]?.fields.status).toBe(499);
    expect(bodies).toEqual([]);
  });
});

describe('many clients', () => {
  const opened = async (port: number, count: number) => {
    const sockets = Array.from({ length: count }, () => connect(port, '127.0.0.1').on('error', () => undefined));
    await Promise.all(sockets.map((one) => new Promise((resolve) => one.once('connect', resolve))));
    return sockets;
  };

  it('that say nothing shut nobody out: the one that has been silent the longest goes', async () => {
    const { port, url, log } = await start({ listen: { maxConnections: 3 } });
    const sockets = await opened(port, 3);
    const gone = new Promise((resolve) => sockets[0]?.once('close', resolve));
    expect((await fetch(`${url}/health`)).status).toBe(200);
    await gone;
    // Kept alive after its answer, it stays while others never asked anything.
    await opened(port, 2);
    expect((await fetch(`${url}/health`)).status).toBe(200);
    await expect.poll(() => log.find(({ message }) => message.includes('too many'))?.fields).toMatchObject({ refused: 0 });
  });

  it('with requests in progress keep what they have: the new one is turned away, and served once others left', async () => {
    const { port, url } = await start({ listen: { maxConnections: 3 } });
    const sockets = await opened(port, 3);
    for (const one of sockets) one.write(head('/v1/take', 'Content-Length: 1000'));
    await wait(50); // their heads lie in this process's own sockets by then
    await expect(fetch(`${url}/health`)).rejects.toThrow();
    sockets.forEach((one) => one.destroy());
    await expect.poll(() => fetch(`${url}/health`).then(({ status }) => status, () => 0)).toBe(200); // prettier-ignore
  });

  it('of thousands at once leave the service answering', async () => {
    const { port, url } = await start({ listen: { maxConnections: 200 } });
    for (let i = 0; i < 5; i++) {
      await opened(port, 300);
      expect((await fetch(`${url}/health`)).status).toBe(200);
    }
  });
});
