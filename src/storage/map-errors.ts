/** Maps failures of databases, object stores and their packages to errors. */
import { isOwnError, messageOf, ProsamError } from '../core/common/errors.ts';

/** The error of a driver as one people can act on; a ProsamError stays as it is. */
export function storageFailed(wanted: string, error: unknown): ProsamError {
  if (isOwnError(error)) return error;
  if (isFull(error)) return noRoom(wanted, messageOf(error), error);
  // Connections refused on several addresses come as one error without a message.
  const message = messageOf(error) || (error as { code?: string }).code || 'no answer';
  return new ProsamError('STORAGE_FAILED', `${wanted}: ${message}. Nothing acknowledged is lost; check that it runs and may be used.`, {
    cause: error,
  });
}

/** Creates the error of a full disk. what: whose it is, e.g. "the folder /data/blobs". */
export function noRoom(what: string, why: string, cause?: unknown): ProsamError {
  const message = `${what}: expected room on its disk, got none: ${why}. Nothing acknowledged is lost, but nothing more is kept. Free space there, or move it to a larger disk.`;
  return new ProsamError('STORAGE_FAILED', message, { cause });
}

/** Full disks and used-up quotas, as files, SQLite and Postgres tell of them. */
function isFull(error: unknown): boolean {
  const { code, errcode } = (error ?? {}) as { code?: unknown; errcode?: unknown };
  return (
    code === 'ENOSPC' ||
    code === 'EDQUOT' ||
    code === '53100' ||
    errcode === SQLITE_FULL ||
    /database or disk is full/.test(messageOf(error))
  );
}

const SQLITE_FULL = 13;

/** wanted: of whom what was expected, e.g. "an answer of the S3 bucket b within 60 s". */
export function storageTimeout(wanted: string, why: string, advice: string, cause?: unknown): ProsamError {
  const message = `expected ${wanted}, got none: ${why}. Nothing acknowledged is lost. ${advice}`;
  return new ProsamError('STORAGE_TIMEOUT', message, cause === undefined ? {} : { cause });
}

/** Seconds in words. */
export function seconds(ms: number): string {
  return `${ms / 1000} s`;
}

/** Loads what only some installations need. @throws PACKAGE_MISSING */
export async function optionalPackage<T>(name: string, wanted: string, load: () => Promise<T>): Promise<T> {
  try {
    return await load();
  } catch (error) {
    throw new ProsamError('PACKAGE_MISSING', `${wanted} needs the package ${name}, which cannot be loaded. Run: npm install ${name}`, {
      cause: error,
    });
  }
}
