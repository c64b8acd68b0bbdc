/** Messages between the calling thread and the one that owns a connection to the SQLite file. */
import type { SchemaChange } from '../schema/database.ts';

export type SqliteValue = null | number | string | Uint8Array;

/** Opening mode of the file. */
export interface SqliteOpening {
  file: string;
  /** Reads alone; the file must be there. */
  readOnly: boolean;
  /** Longest wait of a statement for a foreign lock. */
  lockMs: number;
}

export type ToSqlite =
  | ({ kind: 'open' } & SqliteOpening)
  | { kind: 'run'; id: number; sql: string; parameters: SqliteValue[] }
  | { kind: 'change schema'; id: number; change: SchemaChange }
  | { kind: 'close'; id: number };

export interface SqliteResult {
  rows: Record<string, unknown>[];
  changes?: number;
}

/** busy: somebody else held the lock for too long. */
export type FromSqlite =
  | { kind: 'opened' }
  | { kind: 'refused'; message: string; busy: boolean }
  | { kind: 'result'; id: number; result: SqliteResult }
  | { kind: 'error'; id: number; message: string; busy: boolean };
