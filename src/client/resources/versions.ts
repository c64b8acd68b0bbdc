/** `client.versions`: trained prompt encoders, and which one is live. */
import { segment, type Calls, type PageOptions } from '../calls.ts';
import type { CallOptions } from '../send.ts';
import type { Promoted, Version } from '../types/records.ts';

export interface VersionsClient {
  /** Newest first. */
  list(
    options?: PageOptions & {
      /** Those of one project. @default all the caller may see */
      project?: string;
    },
  ): Promise<Version[]>;
  /** One version with the metrics of its gate. */
  get(id: string, options?: CallOptions): Promise<Version>;
  /** Deploys a version; 'base' with a project: the model's own prompt encoder. */
  promote(
    id: string,
    request: {
      /** Reason for the project's history, 1 to 1,000 characters. */
      reason: string;
      /** Needed with 'base'. @default the version's own */
      project?: string;
    },
    options?: CallOptions,
  ): Promise<Promoted>;
}

export function versionsClient({ get, post }: Calls): VersionsClient {
  return {
    list: async ({ project, limit, ...call } = {}) => (await get<{ versions: Version[] }>('/versions', call, { project, limit })).versions,
    get: (id, call) => get(`/versions/${segment(id)}`, call),
    promote: (id, request, call) => post(`/versions/${segment(id)}/promote`, request, true, call),
  };
}
