/** `client.annotations`: accepted, edited and rejected annotations of a project. */
import { queryText, segment, type Calls, type PageOptions } from '../calls.ts';
import type { CallOptions } from '../send.ts';
import type { AcceptResponse, AnnotationsResponse } from '../types/records.ts';
import type { AnnotationRef, AnnotationRequest } from '../types/requests.ts';

export interface AnnotationsClient {
  /** Stores an annotation; durable once it resolves. The same one may be sent again at any time. */
  put(request: AnnotationRequest, options?: CallOptions): Promise<AcceptResponse>;
  /** Active annotations, newest first. */
  list(
    project: string,
    options?: PageOptions & {
      /** Those with a mask of this label alone. */
      label?: string;
      /** `next` of the page before. */
      before?: number;
    },
  ): Promise<AnnotationsResponse>;
  /** Removes an annotation. Resolves to true if it was active. */
  delete(
    which: AnnotationRef,
    options?: CallOptions & {
      /** Revision up to which it is removed, from 0. @default all, those to come too */
      revision?: number;
    },
  ): Promise<boolean>;
  /** Prefers an annotation as a reference, or no longer. Resolves to the new state. */
  flag(which: AnnotationRef, flagged: boolean, options?: CallOptions): Promise<boolean>;
}

export function annotationsClient({ get, post, change }: Calls): AnnotationsClient {
  return {
    put: (request, call) => post('/annotations', request, true, call),
    list: (project, { label, before, limit, ...call } = {}) =>
      get(`/projects/${segment(project)}/annotations`, call, { label, before, limit }),
    async delete(which, { revision, ...call } = {}) {
      const path = `${pathOf(which)}${queryText({ revision })}`;
      return (await change<{ removed: boolean }>('DELETE', path, undefined, call)).removed;
    },
    flag: async (which, flagged, call) => (await change<{ flagged: boolean }>('PUT', `${pathOf(which)}/flag`, { flagged }, call)).flagged,
  };
}

function pathOf({ project, source = 'webhook', externalId }: AnnotationRef): string {
  return `/projects/${segment(project)}/annotations/${segment(source)}/${segment(externalId)}`;
}
