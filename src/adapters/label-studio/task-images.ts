/** The images of tasks: fetched once, known by their hash from then on. */
import { createHash } from 'node:crypto';
import { isProsamError, ProsamError } from '../../core/common/errors.ts';
import { createFlights } from '../../core/common/flights.ts';
import type { Service, ServiceImage } from '../../service/types.ts';
import type { ImageSources } from '../http/images/image-input.ts';
import type { ImageObject } from './protocol/label-config.ts';
import type { MlTask } from './protocol/request-schemas.ts';
import { valueAt } from './protocol/task-data.ts';
import type { Connection, FetchImage } from './types.ts';

export interface TaskImage {
  connection: Connection;
  task: Pick<MlTask, 'id' | 'data'>;
  /** Value in the task's data. */
  value: string;
  /** Name under which people find it again. */
  externalId: string;
}

export interface KnownImage {
  sha256: string;
  /** Pixels of the upright image. */
  width: number;
  height: number;
}

interface Entry extends KnownImage {
  /** Not merely kept: clicks on it are answered at once. */
  embedded: boolean;
  untilMs: number;
}

export interface TaskImages {
  /** Work with the image by its hash where it is known, with its bytes otherwise. */
  use<T extends { image: KnownImage }>(of: TaskImage, work: (image: ServiceImage) => Promise<T>, signal?: AbortSignal): Promise<T>;
  /** Kept by the service and embedded. Several callers share one run, which none of them can stop. */
  embedded(of: TaskImage): Promise<KnownImage>;
}

const MAX_KNOWN = 20_000;
/** Longest wait for one image, its turn at the engine included. */
const EMBED_MS = 600_000;
/** An address may come to show another image. */
const KNOWN_MS = 60 * 60_000;
/** Bytes in memory at once, whatever asks for them. */
const MAX_FETCHED_AT_ONCE = 8;

export function createTaskImages(parts: {
  service: Pick<Service, 'predictions'>;
  fetchImage: FetchImage;
  clockMs: () => number;
}): TaskImages {
  const { service, fetchImage, clockMs } = parts;
  const known = new Map<string, Entry>();
  const embedding = createFlights<KnownImage>({
    patienceMs: EMBED_MS,
    late: () => new ProsamError('DEADLINE_EXCEEDED', `Expected an image prepared within ${EMBED_MS / 1000} s, got none. Try again later.`),
  });
  let fetching = 0;
  const waiting: (() => void)[] = [];

  const keyOf = ({ connection, value }: TaskImage): string =>
    JSON.stringify([connection.project, value.length > 500 ? createHash('sha256').update(value).digest('hex') : value]);
  const lookUp = (key: string): Entry | undefined => {
    const found = known.get(key);
    return found !== undefined && found.untilMs > clockMs() ? found : undefined;
  };
  const keep = (key: string, { sha256, width, height }: KnownImage, embedded: boolean): void => {
    known.delete(key);
    known.set(key, { sha256, width, height, embedded, untilMs: clockMs() + KNOWN_MS });
    for (const oldest of known.keys()) {
      if (known.size <= MAX_KNOWN) break;
      known.delete(oldest);
    }
  };
  /** Hands the bytes on and lets go of them when the work is done. */
  const withBytes = async <T>(of: TaskImage, work: (image: ServiceImage) => Promise<T>, signal?: AbortSignal): Promise<T> => {
    while (fetching >= MAX_FETCHED_AT_ONCE) await new Promise<void>((resume) => waiting.push(resume));
    fetching++;
    try {
      signal?.throwIfAborted();
      return await work(await fetchImage(of.task, of.value, of.connection, signal ? { signal } : {}));
    } finally {
      fetching--;
      waiting.shift()?.();
    }
  };
  const use: TaskImages['use'] = async (of, work, signal) => {
    const key = keyOf(of);
    const found = lookUp(key);
    if (found !== undefined) {
      try {
        return await work({ sha256: found.sha256 });
      } catch (error) {
        if (!isProsamError(error) || error.code !== 'IMAGE_UNKNOWN') throw error;
      }
    }
    const result = await withBytes(of, work, signal);
    keep(key, result.image, false);
    return result;
  };
  return {
    use,
    embedded(of) {
      const key = keyOf(of);
      const found = lookUp(key);
      if (found?.embedded === true) return Promise.resolve(found);
      const { project } = of.connection;
      const embed = async (image: ServiceImage) => ({
        image: await service.predictions.prepare({ project, image, externalId: of.externalId }),
      });
      return embedding.share(key, async () => {
        const { image } = await use(of, embed);
        keep(key, image, true);
        return image;
      });
    },
  };
}

/**
 * The image an object of the configuration shows of a task: its address or, of a list, that of one page (from 0).
 * @throws REQUEST_INVALID where there is none
 */
export function imageOfTask(
  connection: Connection,
  task: Pick<MlTask, 'id' | 'data'>,
  { field, pages }: Pick<ImageObject, 'field' | 'pages'>,
  page = 0,
): TaskImage {
  const held = valueAt(task.data, field);
  const value: unknown = Array.isArray(held) ? held[page] : held;
  if (typeof value === 'string' && value.length > 0) return { connection, task, value, externalId: shownName(task.id, value) };
  const place = `${JSON.stringify(field)}${pages === true ? `, page ${page + 1}` : ''}`;
  throw new ProsamError(
    'REQUEST_INVALID',
    `Task ${task.id}: expected the address of an image in its field ${place}, got ${value === undefined ? 'nothing' : typeof value}. Correct the task's data.`,
  );
}

/** Beginning of the external ids of a task's images: up to a colon, or the whole of it. */
export function nameOfTask(id: number | string): string {
  return `task ${id}`;
}

/** Without what may be signed or secret in an address. */
function shownName(id: number | string, value: string): string {
  if (/^data:/i.test(value)) return nameOfTask(id);
  const local = /[?&]d=([^&#]+)/.exec(value)?.[1];
  const path = local ?? value.replace(/[?#][^]*$/, '');
  const last = path.split(/[/\\]|%2F/i).at(-1) ?? '';
  return `${nameOfTask(id)}: ${last.slice(0, 200).replace(/[\p{Cc}\p{Cs}]/gu, '')}`;
}

/** Images as far as they can be had without Label Studio's own interface: plain http(s) addresses and data: URIs. */
export function createDefaultImages(images: ImageSources): FetchImage {
  return async (_task, value, _connection, options) => {
    if (/^(https?:\/\/|data:)/i.test(value)) return images.read({ url: value }, options);
    throw new ProsamError(
      'URL_REFUSED',
      `The address is refused: ${JSON.stringify(value.slice(0, 60))} is neither http(s) nor a data: URI. Give access to Label Studio's own files.`,
    );
  };
}
