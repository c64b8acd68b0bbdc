/** The queues of functions that agents serve, as CVAT Enterprise and Online have them. */
import type { ServerResponse } from 'node:http';

interface Waiting {
  id: string;
  category: string;
  params: unknown;
  taken: boolean;
  settle: (result: AgentResult) => void;
}
export interface AgentResult {
  kind: 'complete' | 'fail';
  body: Record<string, unknown>;
  progress: number[];
}
interface Call {
  method: string;
  path: string;
  body: unknown;
}

export function createStandInQueues() {
  const functions: Record<string, unknown>[] = [];
  const queues = new Map<string, Waiting[]>();
  const watchers = new Set<{ queue: string; response: ServerResponse }>();
  const progress = new Map<string, number[]>();
  /** SSE can be switched off, as old servers have none. */
  const state = { events: true };
  let next = 1;

  const notFound = { status: 404, json: { detail: 'Not found.' } };
  return {
    functions,
    state,
    watching: (id: unknown): boolean => [...watchers].some(({ queue }) => queue === `function:${String(id)}`),
    /** Resolves with what the agent made of it. */
    request(functionId: unknown, category: 'interactive' | 'batch', params: unknown): Promise<AgentResult> {
      const queue = `function:${String(functionId)}`;
      return new Promise((settle) => {
        queues.set(queue, [...(queues.get(queue) ?? []), { id: `ar${next++}`, category, params, taken: false, settle }]);
        for (const watcher of watchers) {
          if (watcher.queue === queue) watcher.response.write(`event: newrequest\ndata: {"request_category": "${category}"}\n\n`);
        }
      });
    },
    response({ method, path, body }: Call): { status?: number; json?: unknown; stream?: (response: ServerResponse) => void } {
      const [, id] = /^\/api\/functions\/(\d+)$/.exec(path) ?? [];
      if (path === '/api/functions' && method === 'POST') {
        const created = { id: next++, ...(body as object) };
        functions.push(created);
        return { status: 201, json: created };
      }
      if (id !== undefined) {
        const at = functions.findIndex((one) => String(one.id) === id);
        if (at < 0) return notFound;
        if (method === 'DELETE') return { status: 204, json: functions.splice(at, 1)[0] };
        return { json: functions[at] };
      }
      const [, name, rest = ''] = /^\/api\/functions\/queues\/([^/]+)\/(.*)$/.exec(path) ?? [];
      if (name === undefined) return notFound;
      const queue = decodeURIComponent(name);
      if (rest === 'watch') {
        if (!state.events) return notFound;
        return {
          stream: (response) => {
            const watcher = { queue, response };
            watchers.add(watcher);
            response.on('close', () => watchers.delete(watcher));
            response.writeHead(200, { 'content-type': 'text/event-stream' }).write('retry: 100\n\n');
          },
        };
      }
      const waiting = queues.get(queue) ?? [];
      if (rest === 'requests/acquire') {
        const found = waiting.find((one) => !one.taken && one.category === (body as { request_category: string }).request_category);
        if (found) found.taken = true;
        return { json: { ar_assignment: found ? { ar_id: found.id, ar_params: found.params } : null } };
      }
      const [, request = '', verb] = /^requests\/([^/]+)\/(update|complete|fail)$/.exec(rest) ?? [];
      const found = waiting.find((one) => one.id === request);
      if (!found) return notFound;
      if (verb === 'update') progress.set(request, [...(progress.get(request) ?? []), (body as { progress: number }).progress]);
      else {
        queues.set(
          queue,
          waiting.filter((one) => one !== found),
        );
        found.settle({ kind: verb as 'complete' | 'fail', body: body as Record<string, unknown>, progress: progress.get(request) ?? [] });
      }
      return { json: {} };
    },
    close(): void {
      for (const { response } of watchers) response.end();
    },
  };
}
