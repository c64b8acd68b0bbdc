/** Images of requests: known ones by their hash, new ones proved to be images before anything is kept. */
import { createByteCache } from '../core/common/byte-cache.ts';
import { checkSha256 } from '../core/common/limits.ts';
import { createLruMap } from '../core/common/lru-map.ts';
import { PATIENCE_MS, tooSlow } from './patience.ts';
import type { Notice } from '../core/common/notice.ts';
import { isProsamError, ProsamError } from '../core/common/errors.ts';
import { within } from '../core/common/patience.ts';
import { imageSize, proveImage, type ImageLimits } from '../core/image/node/decode.ts';
import type { ServiceImage } from './types.ts';
import type { Blobs, ImageStore } from './ports/storage.ts';
import { sha256Hex } from '../core/common/sha256.ts';
import { createUnreadableImages, type UnreadableImages } from './unreadable-images.ts';

export interface KnownImage {
  sha256: string;
  width: number;
  height: number;
}

/** The same, and what a caller should know about a file that is new. */
export type KeptImage = KnownImage & { notices?: readonly Notice[] };

export interface WaitOptions {
  /** Ends the waiting of this caller; others may wait for the same bytes. */
  signal?: AbortSignal | undefined;
}

/** @throws STORAGE_FAILED, STORAGE_TIMEOUT from all of them */
export interface ServiceImages {
  /** Hash, and what an engine takes: bytes, or the path of the blob. @throws IMAGE_UNKNOWN */
  input(project: string, image: ServiceImage, options?: WaitOptions): Promise<{ sha256: string; input: Uint8Array | string }>;
  /** Bytes of an image in the store, verified once. again: verified anew. @throws BLOB_DAMAGED */
  stored(sha256: string, options?: WaitOptions & { again?: boolean }): Promise<Uint8Array | string>;
  bytes(project: string, sha256: string): Promise<Uint8Array>;
  /** In pixels of the upright image, before anything is decoded. @throws IMAGE_* */
  size(project: string, image: ServiceImage): Promise<{ width: number; height: number }>;
  /** Size, once the image is known to be one and its bytes are durable. @throws IMAGE_* */
  keep(project: string, image: ServiceImage, options?: WaitOptions): Promise<KeptImage>;
  /** The image of a prediction: its bytes, then its row. */
  remember(project: string, image: ServiceImage, known: KnownImage, externalId: string | undefined): Promise<void>;
  /** Drops what is kept of an image that was erased. */
  forget(project: string, sha256: string): void;
  /** Images found missing or damaged; reading or sending their bytes takes them off. */
  readonly unreadable: UnreadableImages;
  /** Looks at the first of them again: somebody may have restored it. */
  lookAgain(): Promise<void>;
}

export interface ServiceImagesParts {
  images: ImageStore;
  blobs: Blobs;
  limits: ImageLimits;
  now: () => number;
  /** Longest wait for bytes that several wait for. @default 120,000 */
  patienceMs?: number | undefined;
}

/** Bytes of stored images that were read, shared by all who read them. */
const CACHE_BYTES = 256 * 2 ** 20;
const MAX_REMEMBERED = 50_000;
/** Time after which the row of an image is looked for again: somebody may have removed it. */
const REMEMBERED_MS = 3_600_000;
/** Unreadable images looked at again together. */
const LOOKED_AT = 5;

export function createServiceImages({ images, blobs, limits, now, patienceMs = PATIENCE_MS }: ServiceImagesParts): ServiceImages {
  const fetched = createByteCache<Uint8Array>({
    ...{ maxBytes: CACHE_BYTES, sizeOf: (bytes) => bytes.byteLength },
    ...{ patienceMs, late: (sha256) => tooSlow(`the image ${sha256}`, patienceMs) },
  });
  /** Project and hash of images whose row was there, and when. */
  const remembered = createLruMap<string, number>({ max: MAX_REMEMBERED });

  /** Images whose file was proved by its hash. */
  const proved = createLruMap<string, true>({ max: MAX_REMEMBERED });
  const unreadable = createUnreadableImages();

  const readNow = async (sha256: string): Promise<Uint8Array> => {
    try {
      const bytes = await blobs.get(sha256);
      if (bytes === undefined)
        throw new ProsamError(
          'BLOB_DAMAGED',
          `the image ${sha256} is missing from the object store. Send its bytes again, or restore it from a backup.`,
        );
      unreadable.remove(sha256);
      return bytes;
    } catch (error) {
      if (isProsamError(error) && error.code === 'BLOB_DAMAGED') unreadable.add(sha256);
      throw error;
    }
  };
  const read = (sha256: string, options?: WaitOptions): Promise<Uint8Array> => fetched.get(sha256, () => readNow(sha256), options);
  const stored: ServiceImages['stored'] = async (sha256, { again = false, signal } = {}) => {
    const path = blobs.path?.(sha256);
    if (path === undefined) return read(sha256, { signal });
    if (again || proved.get(sha256) === undefined) {
      proved.delete(sha256);
      await within(readNow(sha256), { ms: patienceMs, late: () => tooSlow(`the image ${sha256}`, patienceMs), signal });
      proved.set(sha256, true);
    }
    return path;
  };
  const put = async (bytes: Uint8Array, options?: WaitOptions): Promise<string> => {
    const sha256 = await blobs.put(bytes, options);
    unreadable.remove(sha256);
    return sha256;
  };
  const row = async (project: string, sha256: string) => {
    checkSha256(sha256);
    const found = await images.get(project, sha256);
    if (found) return found;
    throw new ProsamError('IMAGE_UNKNOWN', `expected an image this project has seen, got the sha256 ${sha256}. Send its bytes once.`);
  };

  return {
    stored,
    unreadable,
    forget(project, sha256) {
      void fetched.forget((key) => key === sha256);
      proved.delete(sha256);
      unreadable.remove(sha256);
      for (const key of remembered.keys()) if (key.startsWith(JSON.stringify([project, sha256]).slice(0, -1))) remembered.delete(key);
    },
    async lookAgain() {
      for (const sha256 of unreadable.list().slice(0, LOOKED_AT)) await readNow(sha256).catch(() => undefined);
    },
    async input(project, image, options) {
      if (image instanceof Uint8Array) return { sha256: await sha256Hex(image), input: image };
      await row(project, image.sha256);
      return { sha256: image.sha256, input: await stored(image.sha256, options) };
    },
    async bytes(project, sha256) {
      await row(project, sha256);
      return read(sha256);
    },
    size: async (project, image) => (image instanceof Uint8Array ? imageSize(image, 'image', limits) : row(project, image.sha256)),
    async keep(project, image, options) {
      if (!(image instanceof Uint8Array)) return sizeOf(await row(project, image.sha256));
      const known = await images.get(project, await sha256Hex(image));
      if (known) {
        // Its bytes may have been lost or damaged since.
        await put(image, options);
        return sizeOf(known);
      }
      const { width, height, notices } = await proveImage(image, 'image', limits);
      return { sha256: await put(image, options), width, height, ...(notices && { notices }) };
    },
    async remember(project, image, { sha256, width, height }, externalId) {
      const key = JSON.stringify([project, sha256, externalId]);
      const rememberedMs = remembered.get(key) ?? -Infinity;
      if (performance.now() - rememberedMs < REMEMBERED_MS && !unreadable.has(sha256)) return;
      if (image instanceof Uint8Array) await put(image);
      await images.add([{ project, sha256, width, height, ...(externalId !== undefined && { externalId }) }], now());
      remembered.set(key, performance.now());
    },
  };
}

function sizeOf({ sha256, width, height }: KnownImage): KnownImage {
  return { sha256, width, height };
}
