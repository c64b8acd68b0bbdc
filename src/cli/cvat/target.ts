/** Task or job that a command is about. */
import type { CvatTarget } from '../../adapters/cvat/api/types.ts';
import { UsageError } from '../common/command.ts';

/** @throws UsageError for both, or none */
export function targetOf({ task, job }: { task?: number | undefined; job?: number | undefined }): CvatTarget {
  if (task !== undefined && job === undefined) return { task };
  if (job !== undefined && task === undefined) return { job };
  throw new UsageError('expected either --task N or --job N.');
}
