/** `service.annotations`: accept, and what happens to accepted annotations later. */
import { checkName } from '../../core/common/limits.ts';
import type { createAccept } from '../accept.ts';
import type { AnnotationStore } from '../ports/storage.ts';
import type { ErrorList } from '../recent-errors.ts';
import type { AnnotationService } from '../types.ts';
import { inProject, ofAnnotation } from '../in-project.ts';

export interface AnnotationParts {
  stored: AnnotationStore;
  accept: ReturnType<typeof createAccept>;
  listed: ErrorList['listed'];
}

export function annotationService({ stored, accept, listed }: AnnotationParts): AnnotationService {
  return {
    accept: (request, given) => listed('annotations', () => accept(request, given)),
    delete: (key, revision) => ofAnnotation(key, () => stored.remove(key, revision)),
    withdraw: (key, revision) => ofAnnotation(key, () => stored.withdraw(key, revision)),
    restore: (key) => ofAnnotation(key, () => stored.restore(key)),
    flag: (key, flagged) => ofAnnotation(key, () => stored.flag(key, flagged)),
    list: (project, given) =>
      inProject(project, () => {
        if (given.label !== undefined) checkName('label', given.label, 'label');
        return stored.list(project, given);
      }),
  };
}
