/** `client.projects`: their state, the next images to label, training and rollback. */
import { queryText, segment, type Calls, type PageOptions } from '../calls.ts';
import type { CallOptions } from '../send.ts';
import type { ErasedResponse, NextImagesResponse, ProjectResponse, Promoted, Run } from '../types/records.ts';

export interface ProjectsClient {
  /** Names of the projects this caller may see. */
  list(options?: CallOptions): Promise<string[]>;
  /** Labels, references, version and newest training run. */
  get(project: string, options?: CallOptions): Promise<ProjectResponse>;
  /** Images without an annotation, those first that are expected to teach most. */
  nextImages(
    project: string,
    options?: PageOptions & {
      /** `next` of the page before. @default 0 */
      offset?: number;
    },
  ): Promise<NextImagesResponse>;
  /** Requests a training run now, whatever the learner's policy. Not retried automatically. */
  train(project: string, options?: CallOptions): Promise<void>;
  /** Training runs, newest first. */
  runs(project: string, options?: PageOptions): Promise<Run[]>;
  /** Deploys the version before the live one. Not retried automatically: every call goes one version back. */
  rollback(project: string, reason: string, options?: CallOptions): Promise<Promoted>;
  /** Bytes of an image the project has seen, as they were sent. */
  image(project: string, sha256: string, options?: CallOptions): Promise<Uint8Array>;
  /** Erases an image of a project and all that came of it; versions that learned from it are named. The same call may be repeated. */
  eraseImage(project: string, sha256: string, options?: CallOptions): Promise<ErasedResponse>;
}

export function projectsClient({ send, get, post, change }: Calls): ProjectsClient {
  return {
    list: async (call) => (await get<{ projects: string[] }>('/projects', call)).projects,
    get: (project, call) => get(`/projects/${segment(project)}`, call),
    nextImages: (project, { limit, offset, ...call } = {}) => get(`/projects/${segment(project)}/next-images`, call, { limit, offset }),
    async train(project, call) {
      await post(`/projects/${segment(project)}/train`, undefined, false, call);
    },
    runs: async (project, { limit, ...call } = {}) =>
      (await get<{ runs: Run[] }>(`/projects/${segment(project)}/runs`, call, { limit })).runs,
    rollback: (project, reason, call) => post(`/projects/${segment(project)}/rollback`, { reason }, false, call),
    async image(project, sha256, { signal } = {}) {
      const path = `/v1/images/${segment(sha256)}${queryText({ project })}`;
      const response = await send({ method: 'GET', path, repeatable: true, ...(signal && { signal }) });
      return new Uint8Array(await response.arrayBuffer());
    },
    eraseImage: (project, sha256, call) => change('DELETE', `/images/${segment(sha256)}${queryText({ project })}`, undefined, call),
  };
}
