/** Session options of ONNX Runtime for each device. Its Node package takes few of the providers' own options: what it takes stands here. */
import type { InferenceSession } from 'onnxruntime-node';
import { PROVIDER_NAMES, type Device } from '../devices/devices.ts';
import type { EmittedModel } from '../../onnx/emit.ts';

type Provider = InferenceSession.ExecutionProviderConfig;

/** COREML_FLAG_CREATE_MLPROGRAM of coreml_provider_factory.h: the older format, the default, knows fewer operations. */
const COREML_ML_PROGRAM = 0x010;

/** Slower on the CPU than the steps they stand for: the decoder takes up to a tenth longer with them. */
const SLOW_FUSIONS = 'SkipLayerNormFusion;BiasGeluFusion';

/**
 * Above the mask decoder, which runs many times for one image and must be quick, and the photo model's encoder, which takes 40 % longer without an
 * arena (45 MB); below every full-size image network.
 */
const LARGE_BYTES = 20 * 2 ** 20;

function providersOf(device: Device): Provider[] {
  // What TensorRT has no kernel for runs on the same GPU through CUDA.
  if (device === 'tensorrt') return [PROVIDER_NAMES.tensorrt, PROVIDER_NAMES.cuda];
  if (device === 'coreml') return [{ name: 'coreml', coreMlFlags: COREML_ML_PROGRAM }];
  return [PROVIDER_NAMES[device]];
}

export function sessionOptions(
  { folder, weightBytes = 0 }: Pick<EmittedModel, 'folder' | 'weightBytes'>,
  device: Device,
  threads: number,
): InferenceSession.SessionOptions {
  return {
    executionProviders: providersOf(device),
    graphOptimizationLevel: 'all',
    // Memory patterns make every further run of a large graph grow by a gigabyte; DirectML refuses them.
    enableMemPattern: false,
    // An arena keeps the most a network ever took; they add up, though networks run one after another. Only small ones,
    // which run often, gain by one. Networks that are given their weights at every run work on maps as large as the images'.
    enableCpuMemArena: weightBytes > 0 && weightBytes < LARGE_BYTES,
    logSeverityLevel: 3,
    ...(threads > 0 && { intraOpNumThreads: threads }),
    extra: {
      ...(device === 'cpu' && { optimization: { disable_specified_optimizers: SLOW_FUSIONS } }),
      session: {
        // Threads that spin while they wait take the cores that decoding and resizing need.
        intra_op: { allow_spinning: '0' },
        ...(folder !== undefined && { model_external_initializers_file_folder_path: folder }),
        // What is not the CPU must prove that it ran: nodes it cannot take are an error, not a silent detour.
        ...(device !== 'cpu' && { disable_cpu_ep_fallback: '1' }),
        // CUDA's arena doubles whenever it grows, and its policy cannot be set from Node: weights stay out of it.
        ...((device === 'cuda' || device === 'tensorrt') && { use_device_allocator_for_initializers: '1' }),
      },
    },
  };
}
