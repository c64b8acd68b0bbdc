/** The devices a user can name. A device is only named as the one in use when it really computes: see `choose-device.ts`. */

export const DEVICES = ['cpu', 'cuda', 'tensorrt', 'directml', 'coreml', 'webgpu'] as const;
export type Device = (typeof DEVICES)[number];

/** The name ONNX Runtime's Node package has for each. */
export const PROVIDER_NAMES: Readonly<Record<Device, string>> = {
  cpu: 'cpu',
  cuda: 'cuda',
  tensorrt: 'tensorrt',
  directml: 'dml',
  coreml: 'coreml',
  webgpu: 'webgpu',
};

/** Names for people. */
export const DEVICE_TITLES: Readonly<Record<Device, string>> = {
  cpu: 'the CPU',
  cuda: 'CUDA',
  tensorrt: 'TensorRT',
  directml: 'DirectML',
  coreml: 'CoreML',
  webgpu: 'WebGPU',
};

const AUTO_ORDER: Readonly<Record<string, readonly Device[]>> = {
  linux: ['cuda', 'webgpu', 'cpu'],
  win32: ['cuda', 'directml', 'webgpu', 'cpu'],
  darwin: ['coreml', 'webgpu', 'cpu'],
};

/** Devices `auto` tries, in this order. Never TensorRT: it builds its engines for minutes, so it must be asked for. */
export function autoOrder(platform: string = process.platform): readonly Device[] {
  return AUTO_ORDER[platform] ?? ['cpu'];
}
