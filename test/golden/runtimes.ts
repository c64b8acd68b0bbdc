/** What a golden case can be run on, by name: the devices of ONNX Runtime in Node, and WebAssembly in Node. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { chooseDevice } from '../../src/core/runtime/devices/choose-device.ts';
import { DEVICES } from '../../src/core/runtime/devices/devices.ts';
import { nodeRuntime } from '../../src/core/runtime/node/ort-node.ts';
import type { Runtime } from '../../src/core/onnx/session.ts';
import { webRuntime } from '../../src/core/runtime/web/ort-web.ts';

export const RUNTIMES = [...DEVICES, 'wasm'] as const;

/** @throws DEVICE_UNAVAILABLE where it cannot be used here */
export async function runtimeNamed(name: string): Promise<Runtime> {
  if (name === 'wasm') return wasmRuntime();
  const device = DEVICES.find((one) => one === name);
  if (device === undefined) throw new Error(`--device: expected one of ${RUNTIMES.join(', ')}, got ${name}`);
  return nodeRuntime({ device: (await chooseDevice(device)).device });
}

/**
 * How far a device may miss the numbers, as a multiple of each case's own bound: those were set for a processor that adds up
 * in double precision or in a fixed order; GPUs add up in another order on every run.
 */
export function slackOf(name: string): number {
  return (['cpu', 'wasm'] as readonly string[]).includes(name) ? 1 : 4;
}

/** onnxruntime-web in Node, as browsers use it: weight files are handed over as bytes. */
function wasmRuntime(): Runtime {
  return {
    device: 'wasm',
    async load(model) {
      const files = new Map((model.files ?? []).map((path) => [path, new Uint8Array(readFileSync(join(model.folder ?? '', path)))]));
      return (await webRuntime({ device: 'wasm', files })).load(model);
    },
  };
}
