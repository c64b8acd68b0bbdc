/** A server on this machine that writes down whatever it is sent, and answers what it is told to. */
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Heard {
  method: string;
  url: string;
  headers: IncomingHttpHeaders;
  body: string;
}

export interface Thief {
  port: number;
  url: string;
  /** Connections, even those on which nothing was said. */
  connections(): number;
  heard: Heard[];
  /** Everything it was told, as one text. */
  loot(): string;
  close(): Promise<void>;
}

export interface ThiefAnswer {
  status?: number;
  headers?: Record<string, string>;
  json?: unknown;
}

export async function startThief(reply: (heard: Heard) => ThiefAnswer = () => ({}), host = '127.0.0.1'): Promise<Thief> {
  let connections = 0;
  const heard: Heard[] = [];
  const server = createServer((request, response) => {
    const pieces: Buffer[] = [];
    request.on('data', (piece: Buffer) => pieces.push(piece));
    request.on('end', () => {
      const { method = '', url = '', headers } = request;
      const one = { method, url, headers, body: Buffer.concat(pieces).toString() };
      heard.push(one);
      const { status = 200, headers: told = {}, json = {} } = reply(one);
      response.writeHead(status, { 'content-type': 'application/json', ...told }).end(JSON.stringify(json));
    });
  });
  server.on('connection', () => connections++);
  await new Promise<void>((done) => server.listen(0, host, done));
  const { port } = server.address() as AddressInfo;
  return {
    ...{ port, url: `http://${host}:${port}`, heard },
    connections: () => connections,
    loot: () => JSON.stringify(heard),
    close: async () => {
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
    },
  };
}
