/** All annotations of a project, page by page, newest first. */
import { LIMITS } from '../core/common/limits.ts';
import type { AnnotationSummary } from './ports/storage.ts';
import type { Service } from './types.ts';

export async function* everyAnnotation({ annotations }: Pick<Service, 'annotations'>, project: string): AsyncGenerator<AnnotationSummary> {
  for (let before: number | undefined; ;) {
    const page = await annotations.list(project, { limit: LIMITS.page, ...(before !== undefined && { before }) });
    yield* page;
    before = page.at(-1)?.sequence;
    if (page.length < LIMITS.page || before === undefined) return;
  }
}
