/** A Label Studio with five annotated tasks, which can be made to lose them, hide them, or be replaced by somebody else. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { encodeBrushRleSync } from '../../../../src/core/mask/brush-rle.ts';
import { picture } from '../backend-server.ts';

export const CREATED = '2026-11-22T16:31:53.521413Z';
export const KEY = '1.1795365113';
export const NAME = `label-studio/${KEY}`;
export const TOKEN = 'f'.repeat(40);
export const XML =
  '<View><Image name="image" value="$image"/><BrushLabels name="tag" toName="image"><Label value="car"/></BrushLabels></View>';

const [WIDTH, HEIGHT] = [40, 30];

export interface HeldAnnotation {
  id: number;
  task: number;
  updated_at: string;
}

export interface Answer {
  status?: number;
  json?: unknown;
  html?: string;
  location?: string;
}

/** In front of Label Studio: its answer, or undefined to let the request through. path: with the query. */
export type Before = (path: string, own: () => Answer) => Answer | undefined;

/** As Label Studio itself says it. */
export const ownMissing = (what: string): Answer => ({
  status: 404,
  json: { id: 'x', status_code: 404, version: '1.23.2', detail: `No ${what} matches the given query.`, exc_info: null },
});

export async function startVanishing() {
  const held = new Map<number, HeldAnnotation>();
  const tasks = new Set<number>();
  const asked: string[] = [];
  let before: Before = () => undefined;
  let onAsked: () => void = () => undefined;
  const fill = (): void => {
    tasks.clear();
    held.clear();
    for (const n of [1, 2, 3, 4, 5]) {
      tasks.add(n);
      held.set(10 * n, { id: 10 * n, task: n, updated_at: `2026-11-22T16:40:0${n}.000001Z` });
    }
  };
  fill();
  const inFull = ({ id, task, updated_at }: HeldAnnotation) => {
    const data = new Uint8Array(WIDTH * HEIGHT);
    data.fill(1, 0, 20 + id);
    const value = { format: 'rle', rle: Array.from(encodeBrushRleSync({ data, width: WIDTH, height: HEIGHT })), brushlabels: ['car'] };
    const size = { original_width: WIDTH, original_height: HEIGHT, image_rotation: 0 };
    const region = { id: `r${id}`, type: 'brushlabels', from_name: 'tag', to_name: 'image', ...size, value };
    return { id, task, updated_at, was_cancelled: false, ground_truth: false, completed_by: 1, result: [region] };
  };
  const annotationsOf = (task: number) => [...held.values()].filter((one) => one.task === task);
  const own = (path: string): Answer => {
    const { pathname, searchParams } = new URL(path, 'http://x');
    const number = Number(/\/(\d+)\//.exec(`${pathname}/`)?.[1] ?? Number.NaN);
    if (/^\/api\/projects\/1\/?$/.test(pathname))
      return { json: { id: 1, title: 'Cups\nand  spoons', label_config: XML, created_at: CREATED, task_number: tasks.size } };
    if (pathname === '/api/tasks') {
      if (searchParams.get('project') !== '1') return ownMissing('Project');
      if (searchParams.get('page') !== '1') return { status: 404, json: { status_code: 404, detail: 'Invalid page.' } };
      const list = [...tasks].map((id) => ({
        ...{ id, data: { image: `/data/upload/1/${id}.png` }, meta: {}, total_annotations: annotationsOf(id).length },
        annotations: annotationsOf(id).map(({ id: one, updated_at }) => ({ id: one, updated_at })),
      }));
      return { json: { total: list.length, tasks: list } };
    }
    if (/^\/api\/tasks\/\d+\/annotations\/$/.test(pathname))
      return tasks.has(number) ? { json: annotationsOf(number).map(inFull) } : ownMissing('Task');
    if (/^\/api\/annotations\/\d+\/$/.test(pathname)) {
      const found = held.get(number);
      return found ? { json: inFull(found) } : ownMissing('Annotation');
    }
    if (pathname === '/api/version') return { json: { release: '1.23.2' } };
    if (pathname === '/api/current-user/whoami') return { json: { id: 1, email: '' } };
    if (pathname === '/api/jwt/settings') return { json: { api_tokens_enabled: true, legacy_api_tokens_enabled: true } };
    if (pathname === '/api/webhooks/' || pathname === '/api/ml') return { json: [] };
    return ownMissing('Thing');
  };

  const handle = async ({ url = '', headers }: IncomingMessage, response: ServerResponse): Promise<void> => {
    asked.push(url);
    onAsked();
    if (url.startsWith('/data/upload/')) {
      response.end(await picture(url, WIDTH, HEIGHT));
      return;
    }
    const through = () => (headers.authorization === `Token ${TOKEN}` ? own(url) : { status: 401, json: { detail: 'Invalid token.' } });
    const { status = 200, json, html, location } = before(url, through) ?? through();
    response.writeHead(status, {
      'content-type': html === undefined ? 'application/json' : 'text/html',
      ...(location !== undefined && { location }),
    });
    response.end(html ?? JSON.stringify(json ?? {}));
  };
  const server = createServer((request, response) => void handle(request, response));
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));

  return {
    ...{ held, tasks, asked, fill },
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    /** Without: itself again. */
    become: (other: Before = () => undefined): void => void (before = other),
    /** Resolves once requests of this kind have come so often from now on. */
    heard: (pattern: RegExp, times: number) =>
      new Promise<void>((resolve) => {
        let missing = times;
        onAsked = () => {
          if (pattern.test(asked.at(-1) ?? '') && --missing === 0) resolve();
        };
      }),
    close: async () => {
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
    },
  };
}

export type VanishingStudio = Awaited<ReturnType<typeof startVanishing>>;
