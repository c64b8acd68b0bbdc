/** Back to what was in service before, as far back as people want to go. */
import { ProsamError } from '../core/common/errors.ts';
import type { PointerChange, ProjectState, VersionStore } from './ports/versions.ts';

/** Begins the reasons of changes that took one back. */
const ROLLBACK = 'rollback: ';
const MAX_CHANGES = 1000;

export interface RollbackOptions {
  nowMs: number;
  /** Loads the version before the pointer moves; where it rejects, nothing changes. @default nothing is loaded */
  load?: (version: string) => Promise<void>;
}

/** @throws VERSION_NOT_FOUND where there is nothing to go back to; what `load` throws */
export async function rollbackOf(
  versions: VersionStore,
  project: string,
  reason: string,
  { nowMs, load }: RollbackOptions,
): Promise<ProjectState> {
  const to = versionBefore(await versions.history(project, MAX_CHANGES));
  if (to !== undefined) {
    if (to.version !== undefined) await load?.(to.version);
    return versions.promote(project, to.version, `${ROLLBACK}${reason}`, nowMs);
  }
  throw new ProsamError('VERSION_NOT_FOUND', `${project}: expected an earlier version to go back to, but there is none.`);
}

/** history: newest first. What the newest change that was not taken back yet replaced; undefined where there is none. */
export function versionBefore(history: readonly PointerChange[]): { version: string | undefined } | undefined {
  const replaced: (string | undefined)[] = [];
  for (const { from, reason } of [...history].reverse()) {
    if (reason.startsWith(ROLLBACK)) replaced.pop();
    else replaced.push(from);
  }
  return replaced.length === 0 ? undefined : { version: replaced.at(-1) };
}
