/** `service.projects`: state, next images, training and rollback. */
import { checkName, checkSha256 } from '../../core/common/limits.ts';
import { TRAIN } from '../accept.ts';
import type { Erasures } from '../erasure.ts';
import type { ServiceImages } from '../images.ts';
import type { Queue } from '../ports/storage.ts';
import { projectInfo, type ProjectInfoParts } from '../project-info.ts';
import type { ErrorList } from '../recent-errors.ts';
import { rollbackOf } from '../rollback.ts';
import { BASE } from '../serving.ts';
import type { ProjectService } from '../types.ts';
import { inProject } from '../in-project.ts';

export interface ProjectParts extends ProjectInfoParts {
  images: ServiceImages;
  queue: Queue;
  erasures: Erasures;
  now: () => number;
  listed: ErrorList['listed'];
}

export function projectService(parts: ProjectParts): ProjectService {
  const { store, serving, images, queue, erasures, now, listed } = parts;
  return {
    list: async () => (await store.versions.projects()).map(({ project }) => project),
    get: (project, asked) => inProject(project, () => projectInfo(parts, project, asked)),
    nextImages: (project, given) => inProject(project, () => store.images.unlabelled(project, given)),
    train: (project) =>
      inProject(project, () => queue.send({ name: TRAIN, key: JSON.stringify([project, 'manual']), data: { project, manual: true } })),
    runs: (project, { limit }) => inProject(project, () => store.runs.list({ project, limit })),
    history: (project, { limit }) => inProject(project, () => store.versions.history(project, limit)),
    rollback: (project, reason) =>
      listed('rollback', () =>
        inProject(project, async () => {
          checkName('reason', reason, 'reason');
          // As with a promotion: what cannot answer here is not announced to other processes.
          const load = (version: string) => serving.useVersion(project, version, () => Promise.resolve());
          const state = await rollbackOf(store.versions, project, reason, { nowMs: now(), load });
          await serving.swapTo(state);
          return { encoderVersion: state.current ?? BASE };
        }),
      ),
    eraseImage: (project, sha256) =>
      listed('erase', () =>
        inProject(project, () => {
          checkSha256(sha256);
          return erasures.erase(project, sha256);
        }),
      ),
    imagesNamed: (project, name) => inProject(project, () => store.images.named(project, name)),
    imageBytes: (project, sha256) => inProject(project, () => images.bytes(project, sha256)),
  };
}
