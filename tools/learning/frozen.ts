/** The engine's own stages, opened on this thread: features of frozen networks are computed once and kept on disk. */
import { openModel } from '../../src/core/checkpoint/model-folder.ts';
import { modelFolder } from '../../src/core/checkpoint/model-paths.ts';
import { callContext } from '../../src/core/engine/call-context.ts';
import { createEncodedImages, type ImageFeatures } from '../../src/core/engine/image-features.ts';
import type { Methods } from '../../src/core/engine/methods/available.ts';
import { decodeAtImageSize } from '../../src/core/engine/methods/sam-prompts.ts';
import { createPromptEncoders } from '../../src/core/engine/prompt-encoders.ts';
import { createReferenceStore, type PreparedReference } from '../../src/core/engine/references.ts';
import type { FitParts } from '../../src/core/engine/learned/trials.ts';
import { geometryOf } from '../../src/core/image/geometry.ts';
import { nodeImageSource } from '../../src/core/image/node/source.ts';
import type { BinaryMask } from '../../src/core/mask/label-reduction.ts';
import { preprocessOf } from '../../src/core/onnx/networks.ts';
import { diskFeatureCache } from '../../src/core/runtime/node/disk-feature-cache.ts';
import { openNetworks } from '../../src/core/runtime/node/open-networks.ts';

export interface Frozen {
  methods: Methods;
  /** Those of the model's own prompt encoder, with which references are measured. */
  measured: Methods;
  /** Tuning of the model's own prompt encoder to a label. */
  tuning: FitParts['tuning'];
  /** A context of one call. */
  context(): ReturnType<typeof callContext>;
  features(file: string): Promise<ImageFeatures>;
  reference(file: string, mask: BinaryMask): Promise<PreparedReference>;
  close(): Promise<void>;
}

/** Room for the features of one project. */
const MEMORY_BYTES = 1.5 * 2 ** 30;
const DISK_BYTES = 20 * 2 ** 30;

export interface FrozenOptions {
  model: string;
  /** Folder for features. */
  cache: string;
  threads: number;
  /** Prompt encoder that answers. @default the model's own */
  weights?: Uint8Array | undefined;
}

export async function openFrozen({ model: name, cache, threads, weights }: FrozenOptions): Promise<Frozen> {
  const model = await openModel(modelFolder(name));
  const { networks } = await openNetworks(model, { device: 'cpu', threads });
  const geometry = geometryOf(preprocessOf(model));
  const source = nodeImageSource();
  const images = createEncodedImages({
    ...{ networks, encoderId: model.encoderId, maxBytes: MEMORY_BYTES },
    slow: diskFeatureCache(cache, DISK_BYTES),
  });
  const references = createReferenceStore({
    ...{ images, source, geometry, maxBytes: MEMORY_BYTES },
    decode: (image, prompts) => decodeAtImageSize(networks, geometry, image, prompts),
  });
  const encoders = createPromptEncoders(model, networks, MEMORY_BYTES);
  if (weights) await encoders.load('learned', weights);
  const encoder = encoders.get(weights && 'learned');
  if (encoder === undefined) throw new Error(`${name}: expected a model with a prompt encoder, got one without.`);
  const reduction = encoder.plan.label_reduction;
  return {
    methods: encoder.methods,
    measured: encoders.toMeasure({ methods: encoder.methods, options: { ...(weights && { promptEncoder: 'learned' }) } }).methods,
    tuning: encoders.tuner && { tuner: encoders.tuner, altered: references.altered },
    context: () => callContext(undefined, { networks, geometry }),
    features: async (file) => images.features(await source.load(file)),
    reference: (file, mask) => references.reference({ image: file, mask }, { trainedReduction: reduction }),
    async close() {
      await images.close();
      await networks.close();
    },
  };
}
