/** multipart/form-data into one field and files, bounded in everything. */
import type { IncomingHttpHeaders } from 'node:http';
import { setImmediate as nextTurn } from 'node:timers/promises';
import busboy, { type Busboy } from 'busboy';
import { messageOf, ProsamError } from '../../../core/common/errors.ts';
import { joinBytes } from './join-bytes.ts';

/** Bounds of one body: files, fields, and characters of a field's name. */
const MAX_FILES = 64;
const MAX_FIELDS = 1;
const MAX_NAME = 200;

/** Parsed before the event loop gets a turn. */
const SLICE_BYTES = 2 ** 20;

export interface Form {
  /** Text of the one field. */
  request: Buffer | undefined;
  /** By field name, in the order they came; empty ones too. */
  files: Map<string, Uint8Array[]>;
}

/**
 * The body was bounded when it was read, so a part cannot be larger than it was. File names are not looked at.
 * @throws REQUEST_INVALID for a malformed form or an unknown field, REQUEST_TOO_LARGE for too many parts
 */
export async function parseMultipart(body: Buffer, headers: IncomingHttpHeaders, onlyField: string): Promise<Form> {
  const form: Form = { request: undefined, files: new Map() };
  let problem: Error | undefined;
  const note = (error: Error): void => {
    problem ??= error;
  };
  const parser = openParser(headers, body.byteLength);
  // Every part is taken as bytes, fields too: text is made of them where it is parsed.
  const parts: { name: string; pieces: Buffer[] }[] = [];
  const take = (name: string, isFile: boolean, pieces: Buffer[]): void => {
    if (name === onlyField || isFile) parts.push({ name, pieces });
    else note(invalid(`expected one field called ${onlyField} besides files, got another one`));
  };
  const done = new Promise<void>((resolve) => {
    parser.on('field', (name, value, info) => {
      if (tooLong(name) || info.nameTruncated) note(invalid(`expected names of at most ${MAX_NAME} characters`));
      take(name, false, [Buffer.from(value, 'utf8')]);
    });
    parser.on('file', (name, stream) => {
      const pieces: Buffer[] = [];
      if (tooLong(name)) note(invalid(`expected names of at most ${MAX_NAME} characters`));
      stream.on('data', (piece: Buffer) => pieces.push(piece));
      stream.on('error', (cause: unknown) => note(invalid(messageOf(cause))));
      stream.on('end', () => take(name, true, pieces));
    });
    parser.on('filesLimit', () => note(tooMany(`${MAX_FILES} files`)));
    parser.on('fieldsLimit', () => note(tooMany(`${MAX_FIELDS} field besides files`)));
    parser.on('error', (cause) => {
      note(invalid(messageOf(cause)));
      resolve();
    });
    parser.on('close', () => resolve());
  });
  for (let start = 0; start < body.byteLength && problem === undefined; start += SLICE_BYTES) {
    parser.write(body.subarray(start, start + SLICE_BYTES));
    await nextTurn();
  }
  if (problem === undefined) parser.end();
  else parser.destroy();
  await done;
  // Set by the listeners above, which the compiler does not follow.
  const found = problem;
  if (found) throw found;
  for (const { name, pieces } of parts) {
    const data = await joinBytes(pieces);
    if (name !== onlyField) form.files.set(name, [...(form.files.get(name) ?? []), data]);
    // Libraries that give it a content type send it as if it were a file.
    else if (form.request === undefined) form.request = data;
    else throw invalid(`expected ${onlyField} once, got it twice`);
  }
  return form;
}

function openParser(headers: IncomingHttpHeaders, bytes: number): Busboy {
  try {
    const limits = { files: MAX_FILES, fields: MAX_FIELDS, fieldNameSize: MAX_NAME, fieldSize: bytes, fileSize: bytes, headerPairs: 20 };
    return busboy({ headers, limits, defParamCharset: 'utf8' });
  } catch (cause) {
    throw invalid(messageOf(cause));
  }
}

function tooLong(name: string | undefined): boolean {
  return name === undefined || name.length > MAX_NAME;
}

function invalid(problem: string): ProsamError {
  return new ProsamError('REQUEST_INVALID', `The multipart body cannot be read: ${problem}. Let a library write it.`);
}

function tooMany(limit: string): ProsamError {
  return new ProsamError('REQUEST_TOO_LARGE', `Expected at most ${limit} in one multipart body, got more. Send several requests.`);
}
