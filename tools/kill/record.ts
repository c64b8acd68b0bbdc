/** Figures of kill tests over several runs: kept in a file, so that a long run goes on where it ended. */
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import type { KillRow } from './place.ts';

export interface KillRecord {
  rows: KillRow[];
  /** Kills of a row that are done. */
  done(where: string, what: string): number;
  add(row: KillRow): void;
}

/** file: undefined for none. */
export function openRecord(file: string | undefined): KillRecord {
  const rows: KillRow[] =
    file !== undefined && existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as { rows: KillRow[] }).rows : [];
  const rowOf = (where: string, what: string) => rows.find((row) => row.where === where && row.what === what);
  return {
    rows,
    done: (where, what) => rowOf(where, what)?.kills ?? 0,
    add(row) {
      const known = rowOf(row.where, row.what);
      if (known === undefined) rows.push(row);
      else {
        known.kills += row.kills;
        for (const [name, count] of Object.entries(row.counts)) known.counts[name] = (known.counts[name] ?? 0) + count;
        known.problems = [...new Set([...known.problems, ...row.problems])];
      }
      if (file === undefined) return;
      writeFileSync(`${file}.new`, `${JSON.stringify({ rows }, null, 2)}\n`);
      renameSync(`${file}.new`, file);
    },
  };
}
