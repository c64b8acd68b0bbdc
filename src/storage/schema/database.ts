/** One open database, whichever it is, and the changes made to it. */
import type { Message } from '../../service/ports/storage.ts';
import type { ChangeLines } from './change-lines.ts';
import type { Change, Connection } from './schema.ts';

export interface Database {
  readonly connection: Connection;
  readonly dialect: 'sqlite' | 'postgres';
  /** Whether any step of the schema was ever taken. */
  hasSchema(connection: Connection): Promise<boolean>;
  /** Takes all statements or none, while nobody else changes the schema; resolves to false where `unless` kept it from that. */
  changeSchema(change: SchemaChange): Promise<boolean>;
  /** After rows came with their numbers: makes new rows be numbered above them. */
  afterImport(change: Change): Promise<void>;
  /** Resolves where there is room to write. @throws STORAGE_FAILED */
  check?(): Promise<void>;
  close(): Promise<void>;
}

export interface SchemaChange {
  /** Creates the table that `unless` asks, where it is missing. */
  first: string;
  /** A query: where it has rows, another process was faster, and nothing is done. */
  unless: string;
  statements: readonly string[];
}

/** Puts messages into the change they belong to: either both are kept, or neither. */
export interface Outbox {
  /** Before the change begins. */
  prepare(messages: readonly Message[]): Promise<void>;
  enqueue(change: Change, messages: readonly Message[]): Promise<void>;
  /** After it is durable: workers of this process need not wait for their next look. */
  announce(messages: readonly Message[]): void;
}

/** Dependencies of the parts of the store. */
export interface Room {
  readonly connection: Connection;
  readonly outbox: Outbox;
  readonly lines: ChangeLines;
}

type Send = (messages: readonly Message[]) => Promise<void>;

/** One transaction; locks: what it locks, where that is one thing alone; possible: the messages it may send. */
export async function changing<T>(
  { connection, outbox, lines }: Room,
  { locks, possible = [] }: { locks?: string | undefined; possible?: readonly Message[] },
  change: (change: Change, send: Send) => Promise<T>,
): Promise<T> {
  if (possible.length > 0) await outbox.prepare(possible);
  const sent: Message[] = [];
  const leave = locks === undefined ? undefined : await lines.place(locks);
  try {
    const result = await connection.transaction().execute((transaction) => {
      sent.length = 0;
      return change(transaction, async (messages) => {
        await outbox.enqueue(transaction, messages);
        sent.push(...messages);
      });
    });
    if (sent.length > 0) outbox.announce(sent);
    return result;
  } finally {
    leave?.();
  }
}
