/** `service.annotations`: accept, and what happens to accepted annotations later. */
import type { createAccept } from '../accept.ts';
import type { AnnotationStore } from '../ports/storage.ts';
import type { ErrorList } from '../recent-errors.ts';
import type { AnnotationService } from '../types.ts';
import { inProject } from '../validate-names.ts';

export interface AnnotationParts {
  stored: AnnotationStore;
  accept: ReturnType<typeof createAccept>;
  listed: ErrorList['listed'];
}

export function annotationService({ stored, accept, listed }: AnnotationParts): AnnotationService {
  return {
    accept: (request, given) => listed('annotations', () => accept(request, given)),
    delete: (key, revision) => inProject(key.project, () => stored.remove(key, revision)),
    withdraw: (key, revision) => inProject(key.project, () => stored.withdraw(key, revision)),
    restore: (key) => inProject(key.project, () => stored.restore(key)),
    flag: (key, flagged) => inProject(key.project, () => stored.flag(key, flagged)),
    list: (project, given) => inProject(project, () => stored.list(project, given)),
  };
}
