/** Static checks (no driver calls) for why a device is unavailable, each with a fix. */
import { existsSync, readdirSync } from 'node:fs';
import { cudaMajor, loadCudaLibraries, DRIVER_LIBRARY, type MissingLibrary } from './cuda-libraries.ts';
import { DEVICE_TITLES, PROVIDER_NAMES, type Device } from './devices.ts';
import { onnxRuntime } from '../node/load-onnx-runtime.ts';
import { onnxRuntimePackage, providerFile } from './provider-folder.ts';

/** Facts about this machine that cost nothing to read. */
export interface MachineFacts {
  platform: string;
  arch: string;
  /** Version of onnxruntime-node. */
  version: string;
  /** Providers the package was built with, by ONNX Runtime's names. */
  built: readonly string[];
  /** The files a GPU shows itself by; none known on Windows and macOS. */
  gpuFiles: readonly string[];
}

export async function machineFacts(): Promise<MachineFacts> {
  const { listSupportedBackends } = await onnxRuntime();
  return {
    platform: process.platform,
    arch: process.arch,
    version: onnxRuntimePackage().version,
    built: listSupportedBackends().map(({ name }) => name),
    gpuFiles: process.platform === 'linux' ? gpuFiles() : [],
  };
}

const NVIDIA_FILE = '/dev/nvidiactl';
const WSL_FILE = '/dev/dxg';

/** The render nodes of GPUs, the control file of NVIDIA's driver, and what stands for the host's GPU in WSL. */
function gpuFiles(): string[] {
  const nodes = existsSync('/dev/dri') ? readdirSync('/dev/dri').filter((name) => name.startsWith('renderD')) : [];
  return [...nodes.map((name) => `/dev/dri/${name}`), ...[NVIDIA_FILE, WSL_FILE].filter((file) => existsSync(file))];
}

/** Reason why the device cannot work; undefined where it is worth a try. Loads CUDA's libraries on the way. */
export function obstacleTo(device: Device, facts: MachineFacts): string | undefined {
  if (device === 'cpu') return undefined;
  const { platform, arch, version, built } = facts;
  if (!built.includes(PROVIDER_NAMES[device]) && !(device === 'cuda' && platform === 'win32'))
    return `onnxruntime-node ${version} has no ${DEVICE_TITLES[device]} on ${platform} ${arch}`;
  if (device !== 'cuda' && device !== 'tensorrt') return undefined;
  const provider = providerFile(device);
  if (provider === undefined) return withoutProvider(device, facts);
  const missing = loadCudaLibraries(device);
  return missing.length === 0 ? undefined : withoutLibraries(missing, cudaMajor(provider));
}

function withoutProvider(device: 'cuda' | 'tensorrt', { platform, gpuFiles }: MachineFacts): string {
  const what = `the ${DEVICE_TITLES[device]} provider is not installed`;
  if (platform !== 'linux') return `${what}, and prosam sets it up on Linux alone`;
  if (gpuFiles.some((file) => file === NVIDIA_FILE || file === WSL_FILE)) return `${what}: run \`prosam setup cuda\``;
  return `no NVIDIA GPU is seen here (no ${NVIDIA_FILE}), and ${what}; where there is a GPU, run \`prosam setup cuda\``;
}

function withoutLibraries(missing: readonly MissingLibrary[], cuda: string | undefined): string {
  const names = missing.map(({ name }) => name);
  if (names.includes(DRIVER_LIBRARY))
    return `NVIDIA's driver is missing (${DRIVER_LIBRARY} cannot be loaded): install it until nvidia-smi lists the GPU; in a container, start it with --gpus all`;
  const tensorrt = names.filter((name) => name.startsWith('libnvinfer') || name.startsWith('libnvonnxparser'));
  if (tensorrt.length > 0)
    return `TensorRT is missing (${tensorrt.join(', ')} cannot be loaded): install it for CUDA ${cuda ?? ''} where the system's loader looks, see \`prosam doctor --help\``;
  return `libraries of CUDA ${cuda ?? ''} are missing (${names.join(', ')} cannot be loaded): run \`prosam setup cuda\``;
}

/** Reason why only a software driver could answer, so that `auto` skips it. */
export function onlySoftware(device: Device, { platform, gpuFiles }: MachineFacts): string | undefined {
  if (platform !== 'linux' || device === 'cpu') return undefined;
  if (device === 'webgpu' && gpuFiles.length === 0)
    return `no GPU is seen here (no /dev/dri/renderD*, ${NVIDIA_FILE} or ${WSL_FILE}), so only a software driver could answer`;
  return undefined;
}
