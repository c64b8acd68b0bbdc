/** A store as lines of JSON: a head, one line a row or message, and an end that says how many there were. */
import { z } from 'zod';
import { messageOf, ProsamError } from '../../core/common/errors.ts';
import { MIGRATIONS } from '../schema/migrations.ts';
import type { Entry, Row } from './copy-rows.ts';
import { MOVED_TABLES } from '../schema/copied-tables.ts';

const FORMAT = 'prosam archive';

const value = z.union([z.string(), z.number(), z.null()]);
const head = z.object({ format: z.literal(FORMAT), schema: z.int().positive(), rows: z.int().min(0) });
const line = z.union([
  z.strictObject({ table: z.string(), row: z.record(z.string(), value) }),
  z.strictObject({
    message: z.strictObject({
      name: z.string().min(1),
      data: z.unknown().optional(),
      key: z.string().optional(),
      delayMs: z.number().min(0).optional(),
    }),
  }),
  z.strictObject({ end: z.int().min(0) }),
]);

export async function* linesOfEntries(rows: number, entries: AsyncIterable<Entry>, onRow: (what: string) => void): AsyncGenerator<string> {
  let written = 0;
  yield `${JSON.stringify({ format: FORMAT, schema: MIGRATIONS.length, rows })}\n`;
  for await (const entry of entries) {
    written++;
    if ('message' in entry) {
      yield `${JSON.stringify(entry)}\n`;
      continue;
    }
    const { name, bytes } = entry.table;
    const held = bytes === undefined ? undefined : entry.row[bytes];
    const row =
      bytes !== undefined && held instanceof Uint8Array ? { ...entry.row, [bytes]: Buffer.from(held).toString('base64') } : entry.row;
    onRow(name);
    yield `${JSON.stringify({ table: name, row })}\n`;
  }
  yield `${JSON.stringify({ end: written })}\n`;
}

/** onHead: is told how many rows to expect. @throws STORAGE_FAILED where a line is damaged or the end is missing, MIGRATION_NEEDED where another schema wrote it */
export async function* entriesOfLines(lines: AsyncIterable<string>, file: string, onHead: (rows: number) => void): AsyncGenerator<Entry> {
  let number = 0;
  let entries = 0;
  let end: number | undefined;
  const damaged = (why: string): ProsamError =>
    new ProsamError(
      'STORAGE_FAILED',
      `expected a whole archive, got ${file}, damaged at line ${number}: ${why}. Nothing was imported; export it again.`,
    );
  try {
    for await (const text of lines) {
      number++;
      if (number === 1) {
        const { schema, rows } = parsed(head, text);
        requireSchema(schema, file);
        onHead(rows);
        continue;
      }
      const found = parsed(line, text);
      if (end !== undefined) throw new Error('something follows the end');
      if ('end' in found) end = found.end;
      else {
        entries++;
        yield 'message' in found ? messageEntry(found.message) : rowEntry(found.table, found.row);
      }
    }
  } catch (error) {
    if (error instanceof ProsamError) throw error;
    throw damaged(messageOf(error));
  }
  if (end !== entries) throw damaged(end === undefined ? 'its end is missing' : `it should hold ${end} entries, got ${entries}`);
}

function requireSchema(schema: number, file: string): void {
  // Steps so far only add tables and indexes, so rows of earlier schemas fit.
  if (schema <= MIGRATIONS.length) return;
  throw new ProsamError(
    'MIGRATION_NEEDED',
    `expected an archive of schema ${MIGRATIONS.length}, got ${file} of schema ${schema}. Update prosam.`,
  );
}

function messageEntry({
  name,
  data,
  key,
  delayMs,
}: {
  name: string;
  data?: unknown;
  key?: string | undefined;
  delayMs?: number | undefined;
}): Entry {
  return { message: { name, data, ...(key !== undefined && { key }), ...(delayMs !== undefined && { delayMs }) } };
}

function rowEntry(name: string, row: Row): Entry {
  const table = MOVED_TABLES.find((one) => one.name === name);
  if (table === undefined) throw new Error(`there is no table ${name}`);
  const { bytes } = table;
  if (bytes === undefined || typeof row[bytes] !== 'string') return { table, row };
  return { table, row: { ...row, [bytes]: Buffer.from(row[bytes], 'base64') } };
}

function parsed<T>(schema: z.ZodType<T>, text: string): T {
  const result = schema.safeParse(JSON.parse(text));
  if (!result.success) throw new Error(z.prettifyError(result.error));
  return result.data;
}
