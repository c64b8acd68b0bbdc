/** Calls about tasks and what people annotated in them. */
import { z } from 'zod';
import * as responses from './responses.ts';
import { pages } from './pages.ts';
import { compactResults } from './regions.ts';
import type { CallOptions, Transport } from './transport.ts';

/** Fields beyond those of a list that may be asked for: `annotations` and `predictions` come as ids with their times and versions. */
export interface TaskListOptions extends CallOptions {
  /** 1 to 1,000. @default 100 */
  pageSize?: number;
  onlyAnnotated?: boolean;
  predictions?: boolean;
}

export function taskCalls(call: Transport) {
  return {
    /** Light: one page of a hundred tasks is some 20 KB, however large their masks. */
    async *tasks(
      project: number,
      { pageSize = 100, onlyAnnotated = false, predictions: versions = false, signal }: TaskListOptions = {},
    ): AsyncGenerator<responses.ListedTask> {
      const fields = [
        'id',
        'data',
        'meta',
        'updated_at',
        'total_annotations',
        'annotations',
        ...(versions ? ['predictions', 'model_version'] : []),
      ];
      yield* pages('GET /api/tasks', async (page) => {
        const found = await call({
          method: 'GET',
          path: '/api/tasks',
          query: {
            project,
            page,
            page_size: pageSize,
            fields: 'all',
            include: fields.join(','),
            ...(onlyAnnotated && { only_annotated: true }),
          },
          response: responses.taskPageSchema.optional(),
          // Behind the last page there is none; without the first one there is no such list.
          ...(page > 1 && { missing: undefined }),
          signal,
        });
        return found && { total: found.total, items: found.tasks };
      });
    },
    task: (id: number | string, { signal }: CallOptions = {}) =>
      call({ method: 'GET', path: `/api/tasks/${id}/`, response: responses.wholeTaskSchema, signal }),
    updateTask: (
      id: number | string,
      changes: { meta?: Readonly<Record<string, unknown>>; data?: Readonly<Record<string, unknown>> },
      { signal }: CallOptions = {},
    ) => call({ method: 'PATCH', path: `/api/tasks/${id}/`, json: changes, response: responses.wholeTaskSchema, signal }),
    importTasks: (project: number, list: readonly unknown[], { signal }: CallOptions = {}) =>
      call({
        method: 'POST',
        path: `/api/projects/${project}/import`,
        json: list,
        response: responses.importedSchema,
        timeoutMs: 120_000,
        signal,
      }),
    /** Image files, each a task of its own. */
    uploadImages(project: number, files: readonly { name: string; bytes: Uint8Array; type: string }[], { signal }: CallOptions = {}) {
      const form = new FormData();
      files.forEach(({ name, bytes, type }, i) => form.append(`file${i}`, new Blob([new Uint8Array(bytes)], { type }), name));
      return call({
        method: 'POST',
        path: `/api/projects/${project}/import`,
        form,
        response: responses.importedSchema,
        timeoutMs: 120_000,
        signal,
      });
    },
    /** Submitted and skipped ones; [] where the task is gone. Masks come as bytes. */
    async annotations(task: number | string, { signal }: CallOptions = {}): Promise<responses.ApiAnnotation[]> {
      const path = `/api/tasks/${task}/annotations/`;
      return compactResults(await call({ method: 'GET', path, response: z.array(responses.annotationSchema), missing: [], signal }));
    },
    /** Undefined where it is gone. */
    annotation: (id: number, { signal }: CallOptions = {}): Promise<responses.ApiAnnotation | undefined> =>
      call({ method: 'GET', path: `/api/annotations/${id}/`, response: responses.annotationSchema.optional(), missing: undefined, signal }),
    createAnnotation: (task: number | string, annotation: Readonly<Record<string, unknown>>, { signal }: CallOptions = {}) =>
      call({ method: 'POST', path: `/api/tasks/${task}/annotations/`, json: annotation, response: responses.annotationSchema, signal }),
    updateAnnotation: (id: number, changes: Readonly<Record<string, unknown>>, { signal }: CallOptions = {}) =>
      call({ method: 'PATCH', path: `/api/annotations/${id}/`, json: changes, response: responses.annotationSchema, signal }),
    deleteAnnotation: (id: number, { signal }: CallOptions = {}) => call({ method: 'DELETE', path: `/api/annotations/${id}/`, signal }),
    /** Everything annotated, whole: large where masks are. */
    exportTasks: (project: number, { all = false, signal }: CallOptions & { all?: boolean } = {}) =>
      call({
        method: 'GET',
        path: `/api/projects/${project}/export`,
        query: { exportType: 'JSON', download_all_tasks: all },
        response: z.array(responses.wholeTaskSchema),
        timeoutMs: 300_000,
        signal,
      }),
    /** An action of the Data Manager on some or all tasks, such as 'retrieve_tasks_predictions'. */
    act: (project: number, action: string, selected: 'all' | readonly number[], { signal }: CallOptions = {}) =>
      call({
        method: 'POST',
        path: '/api/dm/actions',
        query: { project, id: action },
        json: { project, selectedItems: selected === 'all' ? { all: true, excluded: [] } : { all: false, included: selected } },
        response: z.looseObject({ processed_items: z.number().optional() }),
        timeoutMs: 300_000,
        signal,
      }),
  };
}
