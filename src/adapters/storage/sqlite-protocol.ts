/** What travels between the thread that asks and the thread that owns the SQLite file. */

export type SqliteValue = null | number | string | Uint8Array;

export type ToSqlite =
  { kind: 'open'; file: string } | { kind: 'run'; id: number; sql: string; parameters: SqliteValue[] } | { kind: 'close'; id: number };

export interface SqliteResult {
  rows: Record<string, unknown>[];
  changes?: number;
}

export type FromSqlite =
  | { kind: 'opened' }
  | { kind: 'refused'; message: string }
  | { kind: 'result'; id: number; result: SqliteResult }
  | { kind: 'error'; id: number; message: string };
