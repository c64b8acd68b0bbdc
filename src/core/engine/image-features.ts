/** Outputs of the frozen encoders, each computed once per image: the backbone's maps, and SAM's embedding where it is needed. */
import { createByteCache } from '../common/byte-cache.ts';
import type { SlowCache } from '../common/patient-slow-cache.ts';
import type { Notice } from '../common/notice.ts';
import type { Raster } from '../image/pillow-resize.ts';
import type { LoadedImage } from './ports.ts';
import { samFeaturesOf, type BackboneFeatures, type Networks, type SamFeatures } from '../onnx/networks.ts';
import type { Tensor } from '../onnx/session.ts';

/** Backbone maps of one image, and the image's own size: all that a drawn reference needs. Where SAM is the backbone, no more than that. */
export interface ImageMaps extends BackboneFeatures {
  key: string;
  width: number;
  height: number;
  /** Notices about the way the image was read. */
  notices?: readonly Notice[];
}

/** Backbone maps and SAM's embedding: a target. */
export interface ImageFeatures extends ImageMaps, SamFeatures {}

/** Output of one encoder for one image, as it is cached. */
export interface EncodedPart {
  width: number;
  height: number;
  /** Notices about the way the image was read. */
  notices?: readonly Notice[];
  tensors: Readonly<Record<string, Tensor>>;
}

export interface EncodedImages {
  /** onComputed: called on a cache miss. */
  maps(image: LoadedImage, onComputed?: () => void): Promise<ImageMaps>;
  /** The same, decoded once and with whatever of it is there already. */
  features(image: LoadedImage, onComputed?: () => void): Promise<ImageFeatures>;
  /** Drops what is kept of images, in memory and in the slow cache. hashes: beginnings of their keys */
  forget(hashes: readonly string[]): Promise<void>;
  /** Forgets everything in memory; resolves when the slow cache has been written. */
  close(): Promise<void>;
}

export interface EncodedImagesOptions {
  networks: Pick<Networks, 'samIsBackbone' | 'encodeBackbone' | 'encodeSam'>;
  /** Distinguishes features of different encoders in shared caches. */
  encoderId: string;
  /** Bytes kept in memory. */
  maxBytes: number;
  slow?: SlowCache<EncodedPart>;
}

export function createEncodedImages({ networks, encoderId, maxBytes, slow }: EncodedImagesOptions): EncodedImages {
  const parts = createByteCache<EncodedPart>({ maxBytes, sizeOf: partBytes, ...(slow && { slow }) });

  const part = (
    name: 'maps' | 'sam',
    image: LoadedImage,
    encode: (raster: Raster) => Promise<BackboneFeatures | SamFeatures>,
    onComputed?: () => void,
  ): Promise<EncodedPart> =>
    parts.get(`${encoderId}-${image.key}-${name}`, async () => {
      onComputed?.();
      const raster = await image.decode();
      const { width, height, notices } = raster;
      return { width, height, ...(notices && { notices }), tensors: { ...(await encode(raster)) } };
    });

  const mapsPart = (image: LoadedImage, onComputed?: () => void): Promise<EncodedPart> =>
    part('maps', image, (raster) => networks.encodeBackbone(raster), onComputed);
  const mapsOf = (image: LoadedImage, { width, height, notices, tensors }: EncodedPart): ImageMaps => {
    const { state } = tensors;
    const maps = { mid: tensorOf(tensors, 'mid'), high: tensorOf(tensors, 'high'), ...(state && { state }) };
    return { key: image.key, width, height, ...(notices && { notices }), ...maps };
  };

  return {
    maps: async (image, onComputed) => mapsOf(image, await mapsPart(image, onComputed)),
    async features(image, onComputed) {
      const decodedOnce = { ...image, decode: once(() => image.decode()) };
      const seen = await mapsPart(decodedOnce, onComputed);
      const maps = mapsOf(image, seen);
      if (networks.samIsBackbone) return { ...maps, ...samFeaturesOf({ embedding: maps.high, ...seen.tensors }) };
      const { tensors } = await part('sam', decodedOnce, (raster) => networks.encodeSam(raster), onComputed);
      return { ...maps, ...samFeaturesOf({ ...tensors, embedding: tensorOf(tensors, 'embedding') }) };
    },
    forget: (hashes) => parts.forget((key) => hashes.some((hash) => key.includes(`-${hash}`))),
    async close() {
      parts.clear();
      await parts.written();
    },
  };
}

function tensorOf(tensors: EncodedPart['tensors'], name: string): Tensor {
  const tensor = tensors[name];
  if (tensor === undefined) throw new Error(`kept features lack ${name}`);
  return tensor;
}

/** Bytes of a part's values, or of features made of several. */
export function tensorBytes(tensors: Iterable<Tensor>): number {
  return [...tensors].reduce((sum, { data }) => sum + data.byteLength, 0);
}

function partBytes({ tensors }: EncodedPart): number {
  return tensorBytes(Object.values(tensors));
}

function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => (made ??= make());
}
