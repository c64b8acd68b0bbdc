/** The whole service with its built-in model, and a stand-in for the part of Label Studio that serves pictures and takes predictions. */
import { createServer as createHttpServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp, { type Sharp } from 'sharp';
import { sceneWith } from '../../../src/scenes/scene-with.ts';
import { encodeBrushRleSync } from '../../../src/core/mask/brush-rle.ts';
import type { BinaryMask } from '../../../src/core/mask/label-reduction.ts';
import { createServer } from '../../../src/server/index.ts';
import { CONFIG } from './backend-server.ts';

const KEY = '1.1795365113';
const TOKEN = 'f'.repeat(40);

export interface Photo {
  file: Buffer;
  truth: BinaryMask;
}

/** Pictures that show the same kind of thing; every fifth lies on its side and says so in its EXIF data. */
export async function photos(count: number, firstSeed = 1): Promise<Photo[]> {
  let seed = firstSeed;
  const made: Photo[] = [];
  for (let i = 0; i < count; i++) {
    const { image, truth } = sceneWith(31, () => seed++);
    const upright = sharp(image.data, { raw: { width: image.width, height: image.height, channels: 3 } });
    // Not square, so that a picture taken for one on its side shows.
    const height = Math.floor(0.75 * image.height);
    const cut = upright.extract({ left: 0, top: 0, width: image.width, height });
    const mask = { data: truth.data.slice(0, truth.width * height), width: truth.width, height };
    const raw = await cut.raw().toBuffer();
    const picture = sharp(raw, { raw: { width: image.width, height, channels: 3 } });
    const file =
      i % 5 === 4
        ? await (await lying(picture)).jpeg({ quality: 95 }).withMetadata({ orientation: 6 }).toBuffer()
        : await picture.png().toBuffer();
    made.push({ file, truth: mask });
  }
  return made;
}

/** Orientation 6: to be turned clockwise, so it is stored turned the other way. */
async function lying(picture: Sharp): Promise<Sharp> {
  const { data, info } = await picture.rotate(270).raw().toBuffer({ resolveWithObject: true });
  return sharp(data, { raw: { width: info.width, height: info.height, channels: 3 } });
}

export function brushOf({ truth }: Photo, changes: object = {}): object {
  return {
    ...{ id: 'b', type: 'brushlabels', from_name: 'tag', to_name: 'image', original_width: truth.width, original_height: truth.height },
    ...{ image_rotation: 0, origin: 'manual', value: { format: 'rle', rle: Array.from(encodeBrushRleSync(truth)), brushlabels: ['car'] } },
    ...changes,
  };
}

export function overlap(a: BinaryMask, b: BinaryMask): number {
  let [both, either] = [0, 0];
  for (let at = 0; at < a.data.length; at++) {
    if (a.data[at] !== 0 && b.data[at] !== 0) both++;
    if (a.data[at] !== 0 || b.data[at] !== 0) either++;
  }
  return either === 0 ? 0 : both / either;
}

export async function startStudio(pictures: readonly Photo[], { softDeadlineMs = 80_000, model = 'tiny' } = {}) {
  const pushed: { task: number; result: LiveRegion[] }[] = [];
  const served: string[] = [];
  const studio = createHttpServer((request, response) => {
    const place = Number(/^\/data\/upload\/1\/(\d+)\./.exec(request.url ?? '')?.[1] ?? -1);
    const photo = pictures[place];
    if (request.headers.authorization !== `Token ${TOKEN}`) response.writeHead(401).end();
    else if (photo) {
      served.push(request.url ?? '');
      response.end(photo.file);
    } else if (request.url?.includes('/import/predictions') === true) {
      const pieces: Buffer[] = [];
      request.on('data', (piece: Buffer) => pieces.push(piece));
      request.on('end', () => {
        const list = JSON.parse(Buffer.concat(pieces).toString()) as typeof pushed;
        pushed.push(...list);
        response.writeHead(201, { 'content-type': 'application/json' }).end(JSON.stringify({ created: list.length }));
      });
    } else response.writeHead(404, { 'content-type': 'application/json' }).end('{}');
  });
  await new Promise<void>((resolve) => studio.listen(0, '127.0.0.1', resolve));
  const hostname = `http://127.0.0.1:${(studio.address() as AddressInfo).port}`;
  const folder = mkdtempSync(join(tmpdir(), 'prosam-studio-'));
  const prosam = await createServer({
    model,
    ...{ database: join(folder, 'prosam.db'), objects: join(folder, 'objects'), cache: join(folder, 'cache'), port: 0, environment: {} },
    ...{ learner: { run: 'off' }, labelStudio: { url: hostname, softDeadlineMs, reconcileMinutes: 0 } },
    logger: { info: () => undefined, warn: () => undefined, error: () => undefined },
  });
  const url = await prosam.listen();
  const call = async (path: string, body: unknown) => {
    const response = await fetch(`${url}/label-studio${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    if (response.status !== 200) throw new Error(`${path}: ${response.status} ${await response.text()}`);
    return (await response.json()) as never;
  };
  return {
    ...{ url, pushed, served, call, prosam },
    setup: async (): Promise<string> =>
      (
        (await call('/setup', { project: KEY, schema: CONFIG, hostname, access_token: TOKEN, extra_params: null })) as {
          model_version: string;
        }
      ).model_version,
    predict: async (tasks: readonly object[], context: unknown = null): Promise<LiveResult[]> =>
      ((await call('/predict', { tasks, project: KEY, label_config: CONFIG, params: { context } })) as { results: LiveResult[] }).results,
    event: (body: object): Promise<unknown> =>
      call('/webhook', { project: { id: 1, created_at: '2026-11-22T16:31:53.5Z', label_config: CONFIG }, ...body }),
    close: async () => {
      await prosam.close();
      studio.closeAllConnections();
      await new Promise((resolve) => studio.close(resolve));
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

export interface LiveRegion {
  original_width: number;
  original_height: number;
  value: { rle: number[] };
}
export type LiveResult = [] | { result: LiveRegion[]; score: number; model_version: string };
