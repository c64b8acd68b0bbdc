/** Work of one project or one annotation, begun once its name is checked. */
import { checkAnnotationKey, checkProject } from '../core/common/limits.ts';
import type { AnnotationKey } from './ports/storage.ts';

/** Rejects with PROJECT_INVALID for a name that is none. */
export async function inProject<T>(project: string, work: () => Promise<T>): Promise<T> {
  checkProject(project);
  return work();
}

/** Rejects with PROJECT_INVALID or REQUEST_INVALID for a key that no store takes. */
export async function ofAnnotation<T>(key: AnnotationKey, work: () => Promise<T>): Promise<T> {
  checkAnnotationKey(key);
  return work();
}
