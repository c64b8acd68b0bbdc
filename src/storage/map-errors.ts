/** Maps failures of databases, object stores and their packages to errors. */
import { isOwnError, messageOf, ProsamError } from '../core/common/errors.ts';

/** The error of a driver as one people can act on; a ProsamError stays as it is. */
export function storageFailed(wanted: string, error: unknown): ProsamError {
  if (isOwnError(error)) return error;
  // Connections refused on several addresses come as one error without a message.
  const message = messageOf(error) || (error as { code?: string }).code || 'no answer';
  return new ProsamError('STORAGE_FAILED', `${wanted}: ${message}. Nothing acknowledged is lost; check that it runs and may be used.`, {
    cause: error,
  });
}

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
