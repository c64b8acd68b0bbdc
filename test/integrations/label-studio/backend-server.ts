/** The backend on a real port, in front of a service, with images and an interface of Label Studio that tests decide over. */
import { readdirSync, readFileSync } from 'node:fs';
import sharp from 'sharp';
import { createGuard, type GuardOptions } from '../../../src/adapters/http/guard.ts';
import { createHttpApp } from '../../../src/adapters/http/http-app.ts';
import { createImageSources } from '../../../src/adapters/http/images/image-sources.ts';
import { listen } from '../../../src/adapters/http/listen.ts';
import { labelStudio } from '../../../src/adapters/label-studio/label-studio.ts';
import type { Connection, LabelStudioApi, LabelStudioOptions, PushedPrediction } from '../../../src/adapters/label-studio/types.ts';
import type { Service } from '../../../src/service/types.ts';

const BASIC = `Basic ${Buffer.from('label-studio:a-long-password').toString('base64')}`;
export const PROJECT = '1.1795365113';
export const NAME = `label-studio/${PROJECT}`;

export const CONFIG = `<View><Image name="image" value="$image"/>
  <BrushLabels name="tag" toName="image"><Label value="car"/><Label value="tree"/></BrushLabels>
  <KeyPointLabels name="kp" toName="image" smart="true" smartOnly="true"><Label value="car"/><Label value="tree"/></KeyPointLabels>
  <RectangleLabels name="rect" toName="image" smart="true" smartOnly="true"><Label value="car"/><Label value="tree"/></RectangleLabels>
</View>`;

export interface Recorded {
  method: string;
  path: string;
  body: unknown;
  /** Status the recorder answered with. */
  reply: number | null;
}

const TRAFFIC = new URL('traffic/', import.meta.url);

/** What a real Label Studio 1.23.2 sent, by name of the scene. */
export function traffic(): { name: string; what: string; requests: Recorded[] }[] {
  return readdirSync(TRAFFIC)
    .filter((name) => name.endsWith('.json'))
    .map((name) => ({ name, ...(JSON.parse(readFileSync(new URL(name, TRAFFIC), 'utf8')) as { what: string; requests: Recorded[] }) }));
}

/** A picture that tells from the address which one it is. */
export async function picture(address: string, width = 320, height = 240): Promise<Buffer> {
  let hash = 7;
  for (const letter of address) hash = (Math.imul(hash, 31) + letter.charCodeAt(0)) >>> 0;
  return sharp({ create: { width, height, channels: 3, background: { r: hash % 256, g: (hash >> 8) % 256, b: (hash >> 16) % 256 } } })
    .png({ compressionLevel: 1 })
    .toBuffer();
}

export interface BackendOptions extends Partial<Omit<LabelStudioOptions, 'service' | 'images'>> {
  service: Service;
  guard?: GuardOptions;
  /** undefined: no interface at all. */
  annotations?: Record<string, unknown[]>;
  withoutApi?: boolean;
  /** Not even that of the tests. */
  withoutAddress?: boolean;
  pushFails?: () => boolean;
}

export async function startBackend({
  service,
  guard,
  annotations = {},
  withoutApi = false,
  withoutAddress = false,
  pushFails,
  ...options
}: BackendOptions) {
  const images = createImageSources({});
  const log: { level: string; fields: Record<string, unknown>; message: string }[] = [];
  const write = (level: string) => (fields: Record<string, unknown>, message: string) => void log.push({ level, fields, message });
  const pushed: PushedPrediction[] = [];
  const connected: Connection[] = [];
  const before: string[] = [];
  const fetched: string[] = [];
  const api: LabelStudioApi = {
    pushPredictions: (_connection, predictions) => {
      if (pushFails?.() === true) return Promise.reject(new Error('Label Studio is away'));
      pushed.push(...predictions);
      return Promise.resolve();
    },
    listAnnotations: (_connection, task) => Promise.resolve(annotations[String(task)] ?? []),
    connected: (connection) => void connected.push(connection),
    beforeTraining: ({ project }) => {
      before.push(project);
      return Promise.resolve();
    },
  };
  const errors: string[] = [];
  const adapter = labelStudio({
    ...{ service, images, log: { info: write('info'), warn: write('warn'), error: write('error') } },
    ...(!withoutApi && { api }),
    metrics: { error: (code) => void errors.push(code) },
    ...(!withoutAddress && { hostname: 'http://127.0.0.1:9' }),
    fetchImage: async (_task, value) => {
      fetched.push(value);
      return picture(value);
    },
    ...options,
  });
  const app = createHttpApp({
    guard: createGuard(guard ?? { basic: [{ name: 'label-studio', password: 'a-long-password' }] }),
    log: { info: () => undefined, warn: write('warn'), error: write('error') },
  });
  app.mount('/label-studio', adapter.routes);
  const server = await listen(app, { host: '127.0.0.1', port: 0 });
  const call = async (method: string, path: string, body?: unknown, headers: Record<string, string> = { authorization: BASIC }) => {
    const response = await fetch(`${server.url}/label-studio${path}`, {
      method,
      headers: { ...(body !== undefined && { 'content-type': 'application/json' }), ...headers },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    return { status: response.status, json: (text === '' ? undefined : JSON.parse(text)) as never, text };
  };
  return {
    ...{ adapter, log, pushed, connected, before, fetched, errors, call, url: server.url },
    setup: (changes: object = {}) =>
      call('POST', '/setup', {
        ...{ project: PROJECT, schema: CONFIG, hostname: 'http://127.0.0.1:9', access_token: 'a'.repeat(40), extra_params: null },
        ...changes,
      }),
    predict: (tasks: readonly object[], context: unknown = null, changes: object = {}) =>
      call('POST', '/predict', {
        tasks,
        project: PROJECT,
        label_config: CONFIG,
        params: { login: null, password: null, context },
        ...changes,
      }),
    close: async () => {
      await server.close({ deadlineMs: 1000 });
      await adapter.close(1000);
      await images.close();
    },
  };
}

export type Backend = Awaited<ReturnType<typeof startBackend>>;

/** A task as batches bring it. */
export function taskOf(id: number, changes: object = {}): object {
  return { id, data: { image: `/data/upload/1/${id}.png` }, meta: {}, annotations: [], predictions: [], project: 1, ...changes };
}

/** A click as the editor sends it. */
export function clickOf(x: number, y: number, changes: object = {}): object {
  return {
    ...{ original_width: 320, original_height: 240, image_rotation: 0, is_positive: true, id: `k${x}-${y}` },
    ...{ value: { x, y, width: 0.23, labels: ['car'], keypointlabels: ['car'] }, from_name: 'kp', to_name: 'image' },
    ...{ type: 'keypointlabels', origin: 'manual' },
    ...changes,
  };
}

export function boxRegion(x: number, y: number, width: number, height: number, changes: object = {}): object {
  return {
    ...{ original_width: 320, original_height: 240, image_rotation: 0, id: `r${x}-${y}`, from_name: 'rect', to_name: 'image' },
    ...{ value: { x, y, width, height, rotation: 0, rectanglelabels: ['car'] }, type: 'rectanglelabels', origin: 'manual' },
    ...changes,
  };
}
