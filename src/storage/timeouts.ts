/** Longest times a database or an object store may keep anybody waiting. */

export interface StorageTimeouts {
  /** To connect to Postgres or S3, or to be lent one of this process's connections. */
  connectMs: number;
  /** To be given a lock that somebody else holds: rows in Postgres, the file of SQLite. */
  lockMs: number;
  /** One statement, its waiting for locks included. */
  statementMs: number;
  /** A transaction in which nothing happens for so long is ended by Postgres, and its locks with it. */
  idleTransactionMs: number;
  /** A connection to S3 on which nothing moves is given up, and the request made again. */
  silenceMs: number;
  /** One object read, written or looked for, all tries together. */
  objectMs: number;
}

export const USUAL_TIMEOUTS: Readonly<StorageTimeouts> = {
  connectMs: 10_000,
  lockMs: 10_000,
  statementMs: 30_000,
  idleTransactionMs: 30_000,
  silenceMs: 15_000,
  objectMs: 60_000,
};

/** Moving everything, or changing the schema of large tables: nobody waits for an answer, and giving up halfway costs the most. */
export const PATIENT_TIMEOUTS: Readonly<StorageTimeouts> = {
  connectMs: 30_000,
  lockMs: 60_000,
  statementMs: 4 * 3_600_000,
  idleTransactionMs: 600_000,
  silenceMs: 60_000,
  objectMs: 1_800_000,
};
