/** Which device a session runs on. A device is only named when it really runs: see `node.ts`. */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

export const DEVICES = ['cpu', 'cuda', 'tensorrt', 'dml', 'coreml', 'webgpu'] as const;
export type Device = (typeof DEVICES)[number];

/** What `auto` stands for on this machine: CUDA where its provider library is installed, else the CPU. */
export function autoDevice(): Device {
  const packageJson = createRequire(import.meta.url).resolve('onnxruntime-node/package.json');
  const library = process.platform === 'win32' ? 'onnxruntime_providers_cuda.dll' : 'libonnxruntime_providers_cuda.so';
  return existsSync(join(dirname(packageJson), 'bin', 'napi-v6', process.platform, process.arch, library)) ? 'cuda' : 'cpu';
}
