/** Date of the newest job seen, kept over restarts: a CVAT nobody has looked at yet is read from its beginning. */
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { z } from 'zod';

export interface PollCursor {
  /** Date in ISO 8601; undefined: the server was never looked at. server: address without a slash at its end. */
  read(server: string): string | undefined;
  write(server: string, date: string): void;
}

const dates = z.record(z.string(), z.string().max(50));

/** file: of all servers. One that cannot be read counts as none: jobs read twice are stored once. */
export function createPollCursor(file: string): PollCursor {
  const known = new Map(Object.entries(read(file)));
  return {
    read: (server) => known.get(server),
    write(server, date) {
      if (known.get(server) === date) return;
      known.set(server, date);
      mkdirSync(dirname(file), { recursive: true });
      const aside = `${file}.${process.pid}`;
      writeFileSync(aside, `${JSON.stringify(Object.fromEntries(known))}\n`);
      renameSync(aside, file);
    },
  };
}

function read(file: string): Record<string, string> {
  try {
    return dates.parse(JSON.parse(readFileSync(file, 'utf8')));
  } catch {
    return {};
  }
}
