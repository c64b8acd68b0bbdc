/** A server of plain answers, and what it was asked. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/** 'gone': the connection ends without an answer. 'never': none comes. */
export type Answer = { status: number; body?: unknown } | 'gone' | 'never';

export async function plainServer(answer: (path: string, method: string) => Answer) {
  const asked: { method: string; path: string; body: string }[] = [];
  const server = createServer((request, response) => {
    const { method = '' } = request;
    const { pathname: path } = new URL(request.url ?? '/', 'http://here');
    const pieces: Buffer[] = [];
    request.on('data', (piece: Buffer) => pieces.push(piece));
    request.on('end', () => {
      asked.push({ method, path, body: Buffer.concat(pieces).toString() });
      const said = answer(path, method);
      if (said === 'gone') request.socket.destroy();
      else if (said !== 'never')
        response
          .writeHead(said.status, { 'content-type': 'application/json' })
          .end(said.body === undefined ? '' : JSON.stringify(said.body));
    });
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  return {
    ...{ asked, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` },
    close: () =>
      new Promise<void>((done) => {
        server.closeAllConnections();
        server.close(() => done());
      }),
  };
}
