/** The queues that CVAT Enterprise and Online keep for functions which agents serve. */
import { readEventStream, type StreamEvent } from '../../../core/common/event-stream.ts';
import { ProsamError } from '../../../core/common/errors.ts';
import type { ShapeForm } from '../annotate/new-shapes.ts';
import type { CvatTransport } from '../api/transport.ts';
import { cvatAgentFunction, cvatAssignment, type CvatAssignment } from '../api/types.ts';

export const AGENT_KINDS = ['detector', 'interactor', 'tracker'] as const;
export type AgentKind = (typeof AGENT_KINDS)[number];
/** People wait for the first, whole tasks for the second. */
export type RequestCategory = 'interactive' | 'batch';

export interface AgentApi {
  /** -> its id */
  create(description: Readonly<Record<string, unknown>>, signal?: AbortSignal): Promise<number | string>;
  remove(id: number | string, signal?: AbortSignal): Promise<void>;
  /** The next request; undefined where nothing waits. */
  acquire(id: number | string, category: RequestCategory, signal?: AbortSignal): Promise<NonNullable<CvatAssignment> | undefined>;
  /** progress: 0..1 */
  update(id: number | string, request: string, progress: number, signal?: AbortSignal): Promise<void>;
  complete(id: number | string, request: string, result: Readonly<Record<string, unknown>>, signal?: AbortSignal): Promise<void>;
  /** reason: shown to whoever asked. */
  fail(id: number | string, request: string, reason: string, signal?: AbortSignal): Promise<void>;
  /** Told when something waits; ends with the connection. */
  watch(id: number | string, signal?: AbortSignal): Promise<AsyncIterable<StreamEvent>>;
}

export interface AgentDescription {
  name: string;
  /** For everybody in the organization. */
  isPublic: boolean;
  /** Labels of the detector. */
  labels: readonly string[];
  /** Forms of labels that do not take masks. @default masks */
  forms?: ReadonlyMap<string, ShapeForm | undefined> | undefined;
}

/** Description of a function, as CVAT registers it. */
export function describeAgentFunction(kind: AgentKind, { name, isPublic, labels, forms }: AgentDescription): Record<string, unknown> {
  const shared = { provider: 'native', name: `${name} ${kind}`, visibility: isPublic ? 'public' : 'private', kind };
  switch (kind) {
    case 'detector':
      return { ...shared, labels_v2: labels.map((label) => ({ name: label, attributes: [], type: forms?.get(label) ?? 'mask' })) };
    case 'tracker':
      return { ...shared, supported_shape_types: ['mask', 'polygon', 'rectangle'] };
    case 'interactor':
      return { ...shared, min_pos_points: 0, min_neg_points: 0, startswith_box_optional: true };
  }
}

/** agentId: tells this process from others that serve the same function. */
export function createAgentApi(api: CvatTransport, agentId: string): AgentApi {
  const queue = (id: number | string): string => `/api/functions/queues/${encodeURIComponent(`function:${id}`)}`;
  const post = (id: number | string, path: string, json: object, signal?: AbortSignal) =>
    // Done twice is done once: CVAT knows each request by its id.
    api.done({ method: 'POST', path: `${queue(id)}/requests/${path}`, json: { agent_id: agentId, ...json }, repeatable: true, signal });
  return {
    create: async (json, signal) => (await api.json({ method: 'POST', path: '/api/functions', json, signal }, cvatAgentFunction)).id,
    remove: (id, signal) => api.done({ method: 'DELETE', path: `/api/functions/${id}`, signal }),
    async acquire(id, category, signal) {
      const json = { agent_id: agentId, request_category: category };
      const path = `${queue(id)}/requests/acquire`;
      return (await api.json({ method: 'POST', path, json, signal }, cvatAssignment)).ar_assignment ?? undefined;
    },
    update: (id, request, progress, signal) => post(id, `${encodeURIComponent(request)}/update`, { progress }, signal),
    complete: (id, request, result, signal) => post(id, `${encodeURIComponent(request)}/complete`, result, signal),
    fail: (id, request, reason, signal) => post(id, `${encodeURIComponent(request)}/fail`, { exc_info: reason }, signal),
    async watch(id, signal) {
      const body = await api.stream({ method: 'GET', path: `${queue(id)}/watch`, repeatable: false, signal });
      return readEventStream(body, { tooLarge: (message) => new ProsamError('CVAT_FAILED', `${queue(id)}/watch: ${message}`) });
    },
  };
}
