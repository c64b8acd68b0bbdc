/** The file that makes a folder a backup: written last, and read first. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { z } from 'zod';
import { ProsamError } from '../../core/common/errors.ts';

const MANIFEST_FILE = 'manifest.json';
export const ROWS_FILE = 'rows.jsonl.gz';
export const BLOBS_FOLDER = 'blobs';
const FORMAT = 'prosam backup';
/** Counts up with what older programs could not read. */
const FORMAT_VERSION = 1;

const hash = z.string().regex(/^[0-9a-f]{64}$/);
const manifestSchema = z.object({
  format: z.literal(FORMAT),
  version: z.int().min(1),
  /** Schema of the database it was made of. */
  schema: z.int().min(1),
  /** Release of prosam that made it. */
  code: z.string(),
  createdAt: z.string(),
  rows: z.object({ file: z.literal(ROWS_FILE), sha256: hash, count: z.int().min(0) }),
  blobs: z.object({ folder: z.literal(BLOBS_FOLDER), count: z.int().min(0), bytes: z.number().min(0) }),
  /** Blobs that rows name and that could not be read: missing or damaged in the store. */
  unreadable: z.array(hash),
});

export type BackupManifest = z.output<typeof manifestSchema>;

export function newManifest(facts: Omit<BackupManifest, 'format' | 'version'>): BackupManifest {
  return { format: FORMAT, version: FORMAT_VERSION, ...facts };
}

/** Durable once it resolves. */
export async function writeManifest(folder: string, manifest: BackupManifest): Promise<void> {
  const file = await open(join(folder, MANIFEST_FILE), 'w');
  try {
    await file.writeFile(`${JSON.stringify(manifest, null, 2)}\n`);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** The manifest, once the rows are those it speaks of. @throws FILE_NOT_FOUND, STORAGE_FAILED, MIGRATION_NEEDED */
export async function readManifest(folder: string): Promise<BackupManifest> {
  const path = join(folder, MANIFEST_FILE);
  const text = await readFile(path, 'utf8').catch(() => undefined);
  if (text === undefined)
    throw new ProsamError(
      'FILE_NOT_FOUND',
      `expected a backup, got ${folder} without ${MANIFEST_FILE}. Name a folder that prosam backup wrote; one that ends in .unfinished is no whole backup.`,
    );
  const { version } = (jsonOf(text) ?? {}) as { version?: unknown };
  if (typeof version === 'number' && version > FORMAT_VERSION)
    throw new ProsamError('MIGRATION_NEEDED', `expected a backup of version ${FORMAT_VERSION}, got ${version} in ${path}. Update prosam.`);
  const manifest = manifestSchema.safeParse(jsonOf(text));
  if (!manifest.success) throw damaged(path, z.prettifyError(manifest.error));
  const rows = join(folder, ROWS_FILE);
  const found = await hashOfFile(rows).catch(() => 'no file');
  if (found !== manifest.data.rows.sha256) throw damaged(rows, `expected sha256 ${manifest.data.rows.sha256}, got ${found}`);
  return manifest.data;
}

export function damaged(path: string, why: string): ProsamError {
  return new ProsamError(
    'STORAGE_FAILED',
    `expected a whole backup, got a damaged ${path}: ${why}. Nothing was restored; take another backup.`,
  );
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

async function hashOfFile(path: string): Promise<string> {
  const hashing = createHash('sha256');
  await pipeline(createReadStream(path), hashing);
  return hashing.digest('hex');
}
