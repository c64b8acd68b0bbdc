/** Data folder of a kill test, and its reports. */
import { existsSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

export interface KillPlace {
  name: string;
  /** Working folder of the processes. */
  folder: string;
  environment: Readonly<Record<string, string>>;
  /** One statement, in the words of SQLite and of Postgres. */
  change: (sql: { sqlite: string; postgres: string }) => Promise<void>;
  /** Puts other bytes where those of an image are kept; undefined: removes them. */
  damage: (sha256: string, bytes: Uint8Array | undefined) => Promise<void>;
}

export interface KillRow {
  where: string;
  what: string;
  kills: number;
  /** Figures for people, which add up over several runs. */
  counts: Record<string, number>;
  /** Findings that must not be; none: the row is fine. */
  problems: string[];
}

export type Scenario = (place: KillPlace, kills: number, random: () => number, say: (text: string) => void) => Promise<KillRow>;

/** A module that moves the clock of a process, for NODE_OPTIONS. */
export function withClock(folder: string, offsetMs: number): Readonly<Record<string, string>> {
  const file = join(folder, '..', 'clock.mjs');
  if (!existsSync(file)) throw new Error('expected the clock of the kill tests to be written');
  return { NODE_OPTIONS: `--import=file://${file}`, NODE_CLOCK_OFFSET_MS: String(offsetMs) };
}

/** Writes that module below the folder of all places. */
export async function writeClock(root: string): Promise<void> {
  const text =
    'const now = Date.now.bind(Date); const offset = Number(process.env.NODE_CLOCK_OFFSET_MS ?? 0); Date.now = () => now() + offset;';
  await writeFile(join(root, 'clock.mjs'), text);
}

/** Changes or removes a blob in a folder of objects. */
export async function damageFile(folder: string, sha256: string, bytes: Uint8Array | undefined): Promise<void> {
  const path = join(folder, 'prosam', 'blobs', sha256.slice(0, 2), sha256.slice(2, 4), sha256);
  if (bytes === undefined) await rm(path, { force: true });
  else await writeFile(path, bytes);
}
