/** A system outside that marks what is red: as answers to messages, and as a server that keeps what it was sent. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { resolve } from 'node:path';

interface Image {
  width: number;
  height: number;
  rgb: string;
}

export interface Message {
  protocol: number;
  type: string;
  id: string;
  label?: string;
  references?: { image: Image; mask: { size: number[]; counts: number[] } }[];
  targets?: { image: Image }[];
}

export const SCORE = 0.75;

/** Run lengths of what is red, down the columns. */
function redRuns({ width, height, rgb }: Image): { size: number[]; counts: number[] } {
  const pixels = Buffer.from(rgb, 'base64');
  const counts: number[] = [];
  let [value, run] = [false, 0];
  for (let x = 0; x < width; x++)
    for (let y = 0; y < height; y++) {
      const at = 3 * (y * width + x);
      const red = (pixels[at] as number) > 127 && (pixels[at + 1] as number) < 100;
      if (red !== value) {
        counts.push(run);
        [value, run] = [red, 0];
      }
      run++;
    }
  return { size: [height, width], counts: [...counts, run] };
}

export function answerTo({ protocol, type, id, targets = [] }: Message, maxBatch = 3): object {
  if (protocol !== 1) return { protocol: 1, id, error: 'another protocol' };
  if (type === 'describe') return { protocol: 1, id, name: 'stand-in', version: '7', maxBatch };
  if (type === 'segment') return { protocol: 1, id, results: targets.map(({ image }) => ({ mask: redRuns(image), score: SCORE })) };
  return { protocol: 1, id, error: 'no such message' };
}

export interface StandIn {
  url: string;
  requests: { headers: IncomingMessage['headers']; method: string | undefined; message: Message }[];
  close(): Promise<void>;
}

/** respond: instead of the answer of the stand-in. */
export async function standInServer(
  respond: (response: ServerResponse, message: Message) => void | Promise<void> = (response, message) => {
    response.end(JSON.stringify(answerTo(message)));
  },
): Promise<StandIn> {
  const requests: StandIn['requests'] = [];
  const server: Server = createServer((request, response) => {
    const pieces: Buffer[] = [];
    request.on('data', (piece: Buffer) => pieces.push(piece));
    request.on('end', () => {
      const message = JSON.parse(Buffer.concat(pieces).toString()) as Message;
      requests.push({ headers: request.headers, method: request.method, message });
      void respond(response, message);
    });
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/segment`,
    requests,
    close: () =>
      new Promise((done) => {
        server.close(() => done());
        server.closeAllConnections();
      }),
  };
}

/** The stand-in as a command. mode: its behavior, see stand-in-command.ts. */
export function standInCommand(mode = 'good'): [string, ...string[]] {
  return [process.execPath, resolve('test/unit/external/stand-in-command.ts'), mode];
}
