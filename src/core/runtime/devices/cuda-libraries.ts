/** NVIDIA's libraries under the CUDA and TensorRT providers: found, loaded in an order that works, and named where missing. */
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { neededLibraries } from './elf-needed.ts';
import { loadLibrary, providerFile } from './provider-folder.ts';

/** The driver's own library: it comes with the driver and nothing else. */
export const DRIVER_LIBRARY = 'libcuda.so.1';

/** Libraries the provider opens only when it computes, by the CUDA it was built for. */
const OPENED_LATER: Readonly<Record<string, readonly string[]>> = {
  12: ['libnvrtc.so.12', 'libcufft.so.11', 'libcudnn.so.9'],
  13: ['libnvrtc.so.13', 'libnvJitLink.so.13', 'libcufft.so.12', 'libcudnn.so.9'],
};

/** In the order of their dependencies. */
const ORDER = ['cudart', 'nvrtc', 'nvJitLink', 'cublasLt', 'cublas', 'curand', 'cufft', 'cudnn', 'nvinfer', 'nvonnxparser'];

export interface MissingLibrary {
  name: string;
  /** The loader's words. */
  reason: string;
}

/** NVIDIA's libraries a provider wants, apart from the driver's, as they must be loaded. */
export function wantedLibraries(provider: string): string[] {
  const needed = neededLibraries(provider).filter((name) => /^lib(cu|nv)/.test(name) && name !== DRIVER_LIBRARY);
  const cuda = needed.map((name) => /^libcudart\.so\.(\d+)/.exec(name)?.[1]).find((major) => major !== undefined);
  const rank = (name: string): number => ORDER.indexOf(/^lib(\w+)\.so/.exec(name)?.[1] ?? '');
  return [...new Set([...needed, ...(OPENED_LATER[cuda ?? ''] ?? [])])].sort((a, b) => rank(a) - rank(b));
}

/** Major version of CUDA a provider was built for. */
export function cudaMajor(provider: string): string | undefined {
  return wantedLibraries(provider)
    .map((name) => /^libcudart\.so\.(\d+)/.exec(name)?.[1])
    .find((major) => major !== undefined);
}

/**
 * Loads what the provider of a device wants: from beside it, else from where the system's loader looks. Linux only;
 * elsewhere the provider finds its libraries by itself.
 *
 * @returns what could not be loaded: the driver's library alone where it is missing, because the others are large
 */
export function loadCudaLibraries(device: 'cuda' | 'tensorrt'): MissingLibrary[] {
  const provider = providerFile(device);
  if (provider === undefined || process.platform !== 'linux') return [];
  // NVIDIA's libraries would otherwise round the factors of products to 10 bits (TF32) and leave the CPU's numbers.
  process.env['NVIDIA_TF32_OVERRIDE'] ??= '0';
  const load = (name: string): MissingLibrary[] => {
    const beside = join(dirname(provider), name);
    const reason = loadLibrary(existsSync(beside) ? beside : name);
    return reason === undefined ? [] : [{ name, reason }];
  };
  const driver = load(DRIVER_LIBRARY);
  return driver.length > 0 ? driver : wantedLibraries(provider).flatMap(load);
}
