/** What a golden case can be run on, by name: the devices of ONNX Runtime in Node, and WebAssembly in Node. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { chooseDevice } from '../../src/core/runtime/choose-device.ts';
import { DEVICES } from '../../src/core/runtime/devices.ts';
import { nodeRuntime } from '../../src/core/runtime/node.ts';
import type { Runtime, Tensor } from '../../src/core/runtime/runtime.ts';

export const RUNTIMES = [...DEVICES, 'wasm'] as const;

/** @throws DEVICE_UNAVAILABLE where it cannot be used here */
export async function runtimeNamed(name: string): Promise<Runtime> {
  if (name === 'wasm') return wasmRuntime();
  const device = DEVICES.find((one) => one === name);
  if (device === undefined) throw new Error(`--device: wanted one of ${RUNTIMES.join(', ')}, got ${name}`);
  return nodeRuntime({ device: (await chooseDevice(device)).device });
}

/**
 * How far a device may miss the numbers, as a multiple of each case's own bound: those were set for a processor that adds up
 * in double precision or in a fixed order; GPUs add up in another order on every run.
 */
export function slackOf(name: string): number {
  return (['cpu', 'wasm'] as readonly string[]).includes(name) ? 1 : 4;
}

/** onnxruntime-web in Node. Weight files are handed over as bytes. */
async function wasmRuntime(): Promise<Runtime> {
  const { env, InferenceSession, Tensor: OrtTensor } = await import('onnxruntime-web/wasm');
  env.logLevel = 'error';
  env.wasm.numThreads = 1;
  return {
    device: 'wasm',
    async load({ bytes, folder, files = [] }) {
      const externalData = files.map((path) => ({ path, data: readFileSync(join(folder ?? '', path)) }));
      const session = await InferenceSession.create(bytes, { executionProviders: ['wasm'], externalData, logSeverityLevel: 3 });
      return {
        async run(inputs) {
          const feeds = Object.fromEntries(
            session.inputNames.map((name) => {
              const { data, shape } = inputs[name] as Tensor;
              return [name, new OrtTensor('float32', data, shape)];
            }),
          );
          const results = Object.entries(await session.run(feeds));
          return Object.fromEntries(results.map(([name, value]) => [name, { data: value.data as Float32Array, shape: value.dims }]));
        },
        close: () => session.release(),
      };
    },
  };
}
