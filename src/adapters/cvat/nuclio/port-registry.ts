/** One port for each function that is called directly, the same after every restart. */
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { z } from 'zod';
import { messageOf, ProsamError } from '../../../core/common/errors.ts';

export interface PortRegistry {
  /** undefined where all are taken. The first call for a name gives it the lowest free port, for good. */
  portOf(name: string): number | undefined;
}

export interface PortRegistryOptions {
  /** The lowest. */
  first: number;
  /** Number of ports. */
  count: number;
  /** File the assignments are written to; without one they last as long as the process. */
  file?: string;
}

const written = z.record(z.string(), z.int().min(1).max(65_535));

/** @throws CONFIG_INVALID for a range beyond 65,535, or a file that is something else */
export function createPortRegistry({ first, count, file }: PortRegistryOptions): PortRegistry {
  if (first < 1 || count < 1 || first + count - 1 > 65_535)
    throw new ProsamError(
      'CONFIG_INVALID',
      `Ports of functions: expected ${count} ports from ${first} on, but the last port is 65535. Use fewer.`,
    );
  const ports = new Map(Object.entries(file === undefined ? {} : read(file)));
  return {
    portOf(name) {
      const known = ports.get(name);
      if (known !== undefined && known >= first && known < first + count) return known;
      const taken = new Set(ports.values());
      let port = first;
      while (taken.has(port)) port++;
      if (port >= first + count) return undefined;
      ports.set(name, port);
      if (file !== undefined) write(file, Object.fromEntries(ports));
      return port;
    },
  };
}

function read(file: string): Record<string, number> {
  try {
    return written.parse(JSON.parse(readFileSync(file, 'utf8')));
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return {};
    throw new ProsamError(
      'CONFIG_INVALID',
      `The ports of CVAT's functions in ${file} cannot be read: ${messageOf(cause)}. Delete the file to give out new ones.`,
      {
        cause,
      },
    );
  }
}

function write(file: string, ports: Record<string, number>): void {
  mkdirSync(dirname(file), { recursive: true });
  const aside = `${file}.${process.pid}`;
  writeFileSync(aside, `${JSON.stringify(ports, null, 2)}\n`);
  renameSync(aside, file);
}
