/** Frozen features, each computed once per image: in memory, then on disk, keyed by the image's content. */
import { createByteCache } from '../../core/common/byte-cache.ts';
import { fnv1a } from '../../core/common/fnv.ts';
import type { Model } from '../../core/checkpoint/model-folder.ts';
import { createEncodedImages, type ImageFeatures } from '../../core/engine/image-features.ts';
import type { Raster } from '../../core/image/pillow-resize.ts';
import { geometryOf, gridOf } from '../../core/image/geometry.ts';
import type { ImageSource } from '../../core/engine/ports.ts';
import { diskFeatureCache } from '../../core/runtime/node/disk-feature-cache.ts';
import { preprocessOf, type Networks } from '../../core/onnx/networks.ts';
import type { Tensor } from '../../core/onnx/session.ts';
import type { Grid } from '../../core/mask/label-reduction.ts';

export interface FrozenFeaturesOptions {
  model: Model;
  networks: Networks;
  source: ImageSource;
  /** Bytes kept in memory. */
  memoryBytes: number;
  /** Folder for what should outlive the process, and bytes kept in it. */
  disk?: { folder: string; bytes: number };
}

/** An altered copy of an image, with a name that stands for the alteration. */
export interface Variant {
  name: string;
  apply(image: Raster): Raster;
}

export interface FrozenFeatures {
  /** Side of the square on which labels and logits meet. */
  square: number;
  image(file: string, variant?: Variant): Promise<ImageFeatures>;
  /** High-level map of a reference whose unmarked cells are hidden. Kept where `stable` annotations will come again. */
  masked(features: ImageFeatures, cells: Float32Array, stable: boolean): Promise<Tensor>;
  /** [1, 1, h, w] */
  pseudo(referenceHigh: Tensor, cells: Float32Array, target: ImageFeatures): Promise<Tensor>;
  /** The feature grid over the square. */
  gridOf(features: ImageFeatures): Grid;
  /** Runs of a frozen network, and milliseconds they took, since the start. */
  readonly spent: { runs: number; milliseconds: number };
  close(): Promise<void>;
}

export function frozenFeatures(options: FrozenFeaturesOptions): FrozenFeatures {
  const { model, networks, source } = options;
  const geometry = geometryOf(preprocessOf(model));
  const { square } = geometry;
  const norm = model.manifest.prompt_encoder?.config.pseudoNorm ?? 'none';
  const spent = { runs: 0, milliseconds: 0 };
  const frozen = async <T>(run: () => Promise<T>): Promise<T> => {
    const started = performance.now();
    const result = await run();
    spent.runs++;
    spent.milliseconds += performance.now() - started;
    return result;
  };
  const images = createEncodedImages({
    networks: {
      samIsBackbone: networks.samIsBackbone,
      encodeSam: (image) => frozen(() => networks.encodeSam(image)),
      encodeBackbone: (image) => frozen(() => networks.encodeBackbone(image)),
    },
    encoderId: model.encoderId,
    maxBytes: options.memoryBytes,
    ...(options.disk && { slow: diskFeatureCache(options.disk.folder, options.disk.bytes) }),
  });
  const maskedMaps = createByteCache<Tensor>({ maxBytes: options.memoryBytes / 4, sizeOf: (tensor) => tensor.data.byteLength });

  return {
    square,
    spent,
    async image(file, variant) {
      const loaded = await source.load(file);
      if (variant === undefined) return images.features(loaded);
      const decode = async (): Promise<Raster> => variant.apply(await loaded.decode());
      return images.features({ key: `${loaded.key}-${variant.name}`, decode });
    },
    async masked(features, cells, stable) {
      if (networks.samIsBackbone) return features.high; // SAM's embedding: the annotation comes in where cells are picked
      const compute = (): Promise<Tensor> => frozen(() => networks.maskedHigh(features, cells));
      return stable ? maskedMaps.get(`${features.key} ${fnv1a(Array.from(cells, BigInt))}`, compute) : compute();
    },
    pseudo: (referenceHigh, cells, target) => networks.similarity(referenceHigh, cells, target.high, norm),
    gridOf: ({ mid }) => gridOf(geometry, { mid, width: square, height: square }),
    async close() {
      maskedMaps.clear();
      await images.close();
    },
  };
}
