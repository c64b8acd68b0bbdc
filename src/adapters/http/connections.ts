/** Open connections of a server: bounded, and the idle ones make room for those who come. */
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

export interface Connections {
  busy(socket: Socket): boolean;
  /** Ends those without a request, now and as each becomes one. */
  endIdle(): void;
  destroyAll(): void;
}

export interface ConnectionOptions {
  /** Most connections at the same time. */
  max: number;
  /** Called for each connection that was closed unanswered because of the bound. idle: it had asked nothing. */
  onDrop: (idle: boolean) => void;
}

/**
 * Tracks connections; the server's own list does not hold those that never sent anything. At the bound the one that has been silent the
 * longest is closed, first among those that never asked, so that many silent ones shut nobody out; where all are busy, the new one is.
 */
export function trackConnections(server: Server, { max, onDrop }: ConnectionOptions): Connections {
  const requests = new Map<Socket, number>();
  /** Without a request so far, and between two requests; those silent the longest first. */
  const [fresh, idle] = [new Set<Socket>(), new Set<Socket>()];
  let ending = false;
  const forget = (socket: Socket): void => {
    requests.delete(socket);
    fresh.delete(socket);
    idle.delete(socket);
  };
  server.on('connection', (socket: Socket) => {
    if (requests.size >= max) {
      const silent = first(fresh) ?? first(idle);
      onDrop(silent !== undefined);
      (silent ?? socket).destroy();
      if (silent === undefined) return;
      // Its close comes later, and may not count twice.
      forget(silent);
    }
    requests.set(socket, 0);
    fresh.add(socket);
    socket.once('close', () => forget(socket));
  });
  server.on('request', ({ socket }: IncomingMessage, response: ServerResponse) => {
    if (!requests.has(socket)) return;
    fresh.delete(socket);
    idle.delete(socket);
    requests.set(socket, (requests.get(socket) ?? 0) + 1);
    response.once('close', () => {
      if (!requests.has(socket)) return;
      const left = (requests.get(socket) ?? 1) - 1;
      requests.set(socket, left);
      if (left > 0) return;
      idle.add(socket);
      if (ending) socket.end();
    });
  });
  return {
    busy: (socket) => (requests.get(socket) ?? 0) > 0,
    endIdle: () => {
      ending = true;
      for (const [socket, count] of requests) if (count === 0) socket.destroy();
    },
    destroyAll: () => {
      for (const socket of requests.keys()) socket.destroy();
    },
  };
}

function first(sockets: ReadonlySet<Socket>): Socket | undefined {
  for (const socket of sockets) return socket;
  return undefined;
}
