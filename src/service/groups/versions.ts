/** `service.versions`: trained prompt encoders, and which one is live. */
import { checkName, checkProject } from '../../core/common/limits.ts';
import type { VersionStore } from '../ports/versions.ts';
import type { ErrorList } from '../recent-errors.ts';
import { BASE, notFound, type Serving } from '../serving.ts';
import type { VersionService } from '../types.ts';
import { inProject } from '../in-project.ts';

export interface VersionParts {
  stored: VersionStore;
  serving: Serving;
  now: () => number;
  listed: ErrorList['listed'];
}

export function versionService({ stored, serving, now, listed }: VersionParts): VersionService {
  return {
    async list(given) {
      if (given.project !== undefined) checkProject(given.project);
      return stored.list(given);
    },
    async get(id) {
      checkName('id', id);
      const found = await stored.get(id);
      if (found === undefined) throw notFound(id);
      return found;
    },
    promote: (project, id, reason) =>
      listed('promote', () =>
        inProject(project, async () => {
          checkName('id', id);
          checkName('reason', reason, 'reason');
          // Loaded before the pointer moves: a version that cannot answer here is not announced to other processes.
          if (id !== BASE) await serving.useVersion(project, id, () => Promise.resolve());
          await serving.swapTo(await stored.promote(project, id === BASE ? undefined : id, reason, now()));
        }),
      ),
  };
}
