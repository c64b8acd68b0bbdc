/** A TCP proxy on the loopback address that can fall silent: as a network that loses every packet, or a server that was stopped. */
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

export interface StallingProxy {
  port: number;
  /** Nothing moves any more in either direction; new connections are taken and stay silent. */
  stall(): void;
  /** What was held back moves on, and everything after it. */
  resume(): void;
  /** Falls silent by itself once this many bytes of an answer have passed on one connection, which stays silent; others go on. */
  stallNext(answerBytes: number): void;
  /** Resolves as soon as an answer has been cut by stallNext. */
  stalled(): Promise<void>;
  /** The first bytes each connection sent. */
  readonly greetings: Buffer[];
  /** Connections that were made. */
  readonly connections: number;
  close(): Promise<void>;
}

interface Pair {
  client: Socket;
  server: Socket;
}

/** port: of the server behind it, on the loopback address. */
export async function startStallingProxy(port: number): Promise<StallingProxy> {
  const pairs = new Set<Pair>();
  const greetings: Buffer[] = [];
  let silent = false;
  let cutAfter: number | undefined;
  let connections = 0;
  let cut = (): void => undefined;
  const wasCut = new Promise<void>((resolve) => (cut = resolve));

  const listener = createServer((client) => {
    connections++;
    const server = connect(port, '127.0.0.1');
    const pair = { client, server };
    pairs.add(pair);
    let silentAlone = false;
    const isSilent = (): boolean => silent || silentAlone;
    const end = (): void => {
      pairs.delete(pair);
      client.destroy();
      server.destroy();
    };
    client.on('error', end);
    server.on('error', end);
    client.on('close', end);
    // A server that goes is not seen by who is cut off from it.
    server.on('close', () => {
      if (!isSilent()) end();
    });
    client.once('data', (first) => greetings.push(first));
    client.on('data', (piece) => void server.write(piece));
    server.on('data', (piece) => {
      if (silentAlone) return;
      if (cutAfter === undefined) {
        client.write(piece);
        return;
      }
      client.write(piece.subarray(0, cutAfter));
      cutAfter -= piece.byteLength;
      if (cutAfter > 0) return;
      cutAfter = undefined;
      silentAlone = true;
      cut();
    });
    if (silent) hush(pair);
  });
  const hush = ({ client, server }: Pair): void => {
    client.pause();
    server.pause();
  };
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
  return {
    port: (listener.address() as AddressInfo).port,
    greetings,
    get connections() {
      return connections;
    },
    stall() {
      silent = true;
      pairs.forEach(hush);
    },
    resume() {
      silent = false;
      for (const { client, server } of pairs) {
        client.resume();
        server.resume();
      }
    },
    stallNext(answerBytes) {
      cutAfter = answerBytes;
    },
    stalled: () => wasCut,
    async close() {
      for (const { client, server } of pairs) {
        client.destroy();
        server.destroy();
      }
      await new Promise((resolve) => listener.close(resolve));
    },
  };
}
