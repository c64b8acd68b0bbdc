/** Settings of the kill tests. */
import { parseArgs } from 'node:util';

export interface KillSettings {
  /** SIGKILLs of each kind and database. */
  kills: number;
  databases: ('sqlite' | 'postgres')[];
  seed: number;
  /** Name of one scenario; undefined: all. */
  only: string | undefined;
  /** File that keeps the figures. */
  record: string | undefined;
}

export function killSettings(args: readonly string[]): KillSettings {
  const text = { type: 'string' } as const;
  const { values } = parseArgs({ args: [...args], options: { kills: text, database: text, seed: text, only: text, record: text } });
  const database = values.database ?? 'both';
  if (!['sqlite', 'postgres', 'both'].includes(database)) throw new Error(`--database: expected sqlite, postgres or both, got ${database}`);
  return {
    kills: Number(values.kills ?? 50),
    databases: database === 'both' ? ['sqlite', 'postgres'] : [database as 'sqlite' | 'postgres'],
    seed: Number(values.seed ?? Date.now() % 1_000_000),
    only: values.only,
    record: values.record,
  };
}

/** A number from 0 to 1, the same for the same seed (mulberry32). */
export function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}
