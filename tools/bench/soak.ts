/** Figures of a service over hours: memory and handles of each of its processes, rows, and disk; Linux alone. */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

/** Name of a figure -> its values with their times. */
export interface Soak {
  /** One more look. */
  look(atMs: number): void;
  table(): { head: string[]; rows: string[][] };
}

const MB = 1e6;

/** folder: where the store lies, if it is SQLite and a folder of objects. */
export function createSoak(pid: number, folder: string): Soak {
  const figures = new Map<string, { atMs: number; value: number }[]>();
  const note = (name: string, atMs: number, value: number): void => {
    const points = figures.get(name) ?? [];
    points.push({ atMs, value });
    figures.set(name, points);
  };
  return {
    look(atMs) {
      for (const { name, pid: one } of processes(pid)) {
        // A process may have ended since it was listed.
        const status = textOf(`/proc/${one}/status`);
        const resident = Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1] ?? NaN);
        if (!Number.isFinite(resident)) continue;
        note(`${name}: resident memory, MB`, atMs, (resident * 1024) / MB);
        note(`${name}: open handles`, atMs, namesIn(`/proc/${one}/fd`).length);
        note(`${name}: threads`, atMs, Number(/^Threads:\s+(\d+)/m.exec(status)?.[1]));
      }
      note('disk: database, MB', atMs, bytesIn(join(folder, 'prosam'), false) / MB);
      for (const part of ['blobs', 'cache', 'learner']) note(`disk: ${part}, MB`, atMs, bytesIn(join(folder, 'prosam', part), true) / MB);
      for (const [table, rows] of rowsOf(join(folder, 'prosam', 'prosam.db'))) note(`rows: ${table}`, atMs, rows);
    },
    table() {
      const rows = [...figures].map(([name, points]) => {
        const values = points.map(({ value }) => value);
        const half = points.slice(Math.floor(points.length / 2));
        const [first, middle, last] = [values[0], half[0]?.value, values.at(-1)].map((value) => fixed(value ?? NaN));
        return [name, String(points.length), first ?? '', middle ?? '', last ?? '', fixed(Math.max(...values)), fixed(slopePerHour(half))];
      });
      return { head: ['figure', 'looks', 'first', 'half', 'last', 'largest', 'last half, per hour'], rows };
    },
  };
}

/** Least squares. NaN below two points. */
export function slopePerHour(points: readonly { atMs: number; value: number }[]): number {
  const mean = (values: readonly number[]): number => values.reduce((sum, one) => sum + one, 0) / values.length;
  const [at, value] = [mean(points.map(({ atMs }) => atMs)), mean(points.map((point) => point.value))];
  const both = points.reduce((sum, point) => sum + (point.atMs - at) * (point.value - value), 0);
  const square = points.reduce((sum, point) => sum + (point.atMs - at) ** 2, 0);
  return (3_600_000 * both) / square;
}

function processes(pid: number): { name: string; pid: number }[] {
  const children = textOf(`/proc/${pid}/task/${pid}/children`).trim().split(' ').filter(Boolean).map(Number); // prettier-ignore
  return [{ name: nameOf(textOf(`/proc/${pid}/cmdline`)), pid }, ...children.flatMap(processes)];
}

function nameOf(command: string): string {
  if (command.includes('inference-worker')) return 'worker';
  return command.includes('\0learn\0') ? 'learner' : 'service';
}

function rowsOf(file: string): [table: string, rows: number][] {
  if (!existsSync(file)) return [];
  const database = new DatabaseSync(file, { readOnly: true, timeout: 10_000 });
  try {
    const tables = database.prepare("select name from sqlite_master where type = 'table' and name not like 'sqlite_%'").all();
    return tables.map(({ name }) => {
      const { rows } = database.prepare(`select count(*) as rows from "${String(name)}"`).get() as { rows: number };
      return [String(name), rows];
    });
  } finally {
    database.close();
  }
}

function bytesIn(folder: string, below: boolean): number {
  return namesIn(folder).reduce((sum, name) => {
    const path = join(folder, name);
    const info = statSync(path, { throwIfNoEntry: false });
    if (info === undefined) return sum;
    if (info.isDirectory()) return below ? sum + bytesIn(path, true) : sum;
    return sum + info.size;
  }, 0);
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

function fixed(value: number): string {
  return Number.isFinite(value) ? value.toFixed(Math.abs(value) < 100 ? 1 : 0) : '-';
}
