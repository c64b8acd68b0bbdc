/** ONNX Runtime in Node. `run` blocks the thread it is called on: use it inside a worker. */
import type { InferenceSession, Tensor as OrtTensor } from 'onnxruntime-node';
import { messageOf, ProsamError } from '../../common/errors.ts';
import type { Device } from '../devices/devices.ts';
import { explainFailure } from '../devices/explain-failure.ts';
import { onnxRuntime } from './load-onnx-runtime.ts';
import type { Runtime, Session, Tensor } from '../../onnx/session.ts';
import { sessionOptions } from './session-options.ts';

export interface NodeRuntimeOptions {
  /** A device that is known to be usable, or is to be tried: see `openRuntime`, which chooses. @default 'cpu' */
  device?: Device;
  /** Threads of one operator; 0 lets ONNX Runtime choose. @default 0 */
  threads?: number;
}

/** Sessions on one device. @throws (from `load`) DEVICE_UNAVAILABLE; on the CPU ENGINE_FAILED */
export function nodeRuntime({ device = 'cpu', threads = 0 }: NodeRuntimeOptions = {}): Runtime {
  return {
    device,
    async load(model) {
      const { InferenceSession, Tensor } = await onnxRuntime();
      try {
        return sessionOf(await InferenceSession.create(model.bytes, sessionOptions(model, device, threads)), Tensor);
      } catch (cause) {
        if (device === 'cpu')
          throw new ProsamError('ENGINE_FAILED', `${model.name}: ONNX Runtime refused the model: ${messageOf(cause)}`, { cause });
        throw new ProsamError(
          'DEVICE_UNAVAILABLE',
          `expected the device ${device}, but ONNX Runtime cannot use it here: ${explainFailure(messageOf(cause))}. \`prosam doctor\` shows what is missing; --device cpu works everywhere.`,
          { cause },
        );
      }
    },
  };
}

function sessionOf(session: InferenceSession, Tensor: typeof OrtTensor): Session {
  return {
    async run(inputs) {
      const feeds: Record<string, OrtTensor> = {};
      for (const name of session.inputNames) {
        const tensor = inputs[name];
        if (tensor === undefined) throw new Error(`the input ${name} is missing`);
        feeds[name] = new Tensor('float32', tensor.data, tensor.shape);
      }
      const results = await session.run(feeds);
      const out: Record<string, Tensor> = {};
      for (const [name, value] of Object.entries(results)) out[name] = { data: value.data as Float32Array, shape: value.dims };
      return out;
    },
    close: () => session.release(),
  };
}
