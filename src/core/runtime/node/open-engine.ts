/** Puts an engine together in Node, on the thread it is called on. */
import { bytesOfTensors } from '../../checkpoint/checkpoint.ts';
import { openModel, type Model } from '../../checkpoint/model-folder.ts';
import { modelFolder } from '../../checkpoint/model-paths.ts';
import { DEFAULT_MODEL } from '../../engine/defaults.ts';
import type { ExternalSystem, ExternalTransport } from '../../engine/methods/external/port.ts';
import { createEngineCore } from '../../engine/engine.ts';
import { ProsamError } from '../../common/errors.ts';
import type { ImageLimits } from '../../image/node/decode.ts';
import type { ImageReading } from '../../image/values/reading.ts';
import { nodeImageSource } from '../../image/node/source.ts';
import type { Engine } from '../../engine/types.ts';
import { chooseThreads } from './choose-threads.ts';
import type { Device } from '../devices/devices.ts';
import { diskFeatureCache } from './disk-feature-cache.ts';
import { featureBytes } from '../../onnx/model-graphs.ts';
import { checkModelWeights } from '../../onnx/networks.ts';
import { openNetworks } from './open-networks.ts';
import { PRECISIONS, type Precision } from '../../onnx/precision.ts';
import type { Watch } from '../worker/watched-runtime.ts';

export { modelFolder };

export interface EngineOptions {
  /** Name of a model that is built in, was added or pulled, or path of a model folder. @default 'small' */
  model?: string;
  /** @default 'auto' */
  device?: Device | 'auto';
  /** Threads of one operator on the CPU; 'auto': one for each core, and for large models as many as a measurement finds fastest. @default 'auto' */
  threads?: 'auto' | number;
  /** Number format of image encoder and backbone: 'fp16' is for GPUs, 'int8' for CPUs. @default 'fp32' */
  precision?: Precision;
  /** Bytes of image features kept in memory. @default the size of the model's weights or of six images' features, 64 MiB to 1 GiB */
  cacheBytes?: number;
  /** Folder for image features that should outlive the process. @default none */
  cacheDir?: string;
  /** Bytes kept in cacheDir; the least recently used go first. @default 4 GiB */
  cacheDirBytes?: number;
  /** 'low' runs the worker at low priority of the operating system, so that a server beside it responds in time. @default 'normal' */
  priority?: 'normal' | 'low';
  /**
   * Longest time, in ms, that reading the model's files, loading or running one network may take (1 to 2^31 - 1). A worker that is
   * silent for longer is taken for hung and replaced; the call it computed for is refused with ENGINE_HUNG. @default 600,000 (ten minutes)
   */
  inferenceTimeoutMs?: number;
  /** A system outside for the method 'external', such as `externalSystem('http://127.0.0.1:8700')`. @default none */
  external?: ExternalSystem;
  /** Bounds on images. @default 64 MiB and 100 million pixels */
  limits?: ImageLimits;
  /** Way in which image files are read where a call says nothing else. @default by the rule of docs/files.md */
  reading?: ImageReading;
}

const MIN_CACHE_BYTES = 64 * 2 ** 20;
const MAX_CACHE_BYTES = 2 ** 30;
const DEFAULT_DISK_BYTES = 4 * 2 ** 30;

/**
 * watch: called before every network that is loaded or run. external: transport instead of the one that `options.external` opens.
 *
 * @throws MODEL_*, CHECKPOINT_*, PROMPT_ENCODER_MISMATCH, DEVICE_UNAVAILABLE, OPTION_INVALID
 */
export async function openEngine(options: EngineOptions = {}, watch?: Watch, external?: ExternalTransport): Promise<Engine> {
  const { threads = 'auto', precision = 'fp32' } = options;
  const device = deviceFor(precision, options.device ?? 'auto');
  const model = await openModel(modelFolder(options.model ?? DEFAULT_MODEL));
  checkModelWeights(model);
  const chosen = await chooseThreads(threads, model);
  const { networks, tried } = await openNetworks(model, { device, threads: chosen.count, precision, watch });
  return createEngineCore({
    model,
    networks,
    devices: tried,
    threads: chosen,
    source: nodeImageSource({ ...options.limits, ...options.reading }),
    external: external ?? options.external?.open(),
    cacheBytes: options.cacheBytes ?? defaultCacheBytes(model),
    ...(options.cacheDir !== undefined && { slow: diskFeatureCache(options.cacheDir, options.cacheDirBytes ?? DEFAULT_DISK_BYTES) }),
  });
}

/** Products of whole numbers are made for CPUs alone. @throws OPTION_INVALID */
function deviceFor(precision: Precision, device: Device | 'auto'): Device | 'auto' {
  if (!PRECISIONS.includes(precision))
    throw new ProsamError('OPTION_INVALID', `precision: expected one of ${PRECISIONS.join(', ')}, got ${JSON.stringify(precision)}.`);
  if (precision !== 'int8' || device === 'cpu') return device;
  if (device === 'auto') return 'cpu';
  throw new ProsamError('OPTION_INVALID', `precision: int8 runs on the CPU, not on ${device}. Use fp16 there, or the device cpu.`);
}

/** Five references and a target. */
const KEPT_IMAGES = 6;

/** Room in proportion to the model, and for some images at least: of small models those weigh more than the weights. */
function defaultCacheBytes({ manifest, sam, backbone }: Model): number {
  const bytes = bytesOfTensors(sam) + bytesOfTensors(backbone);
  return Math.min(MAX_CACHE_BYTES, Math.max(MIN_CACHE_BYTES, bytes, KEPT_IMAGES * featureBytes(manifest)));
}
