/** ONNX Runtime in Node. `run` blocks the thread it is called on: use it inside a worker. */
import { env, InferenceSession, Tensor as OrtTensor } from 'onnxruntime-node';
import { messageOf, ProsamError } from '../errors.ts';
import { autoDevice, type Device } from './devices.ts';
import type { EmittedModel } from './emit.ts';
import type { Runtime, Session, Tensor } from './runtime.ts';

// What goes wrong is thrown as an error; ONNX Runtime would print it to stderr as well.
env.logLevel = 'fatal';

export interface NodeRuntimeOptions {
  /** @default 'cpu' */
  device?: Device | 'auto';
  /** Threads of one operator; 0 lets ONNX Runtime choose. @default 0 */
  threads?: number;
}

export function nodeRuntime({ device: wanted = 'cpu', threads = 0 }: NodeRuntimeOptions = {}): Runtime {
  const device = wanted === 'auto' ? autoDevice() : wanted;
  return {
    device,
    async load(model) {
      try {
        return sessionOf(await InferenceSession.create(model.bytes, sessionOptions(model, device, threads)));
      } catch (cause) {
        if (device === 'cpu')
          throw new ProsamError('ENGINE_FAILED', `${model.name}: ONNX Runtime refused the model: ${messageOf(cause)}`, { cause });
        throw new ProsamError(
          'DEVICE_UNAVAILABLE',
          `wanted the device ${device}, but ONNX Runtime cannot use it here: ${messageOf(cause)}. Install its provider, or use --device cpu.`,
          { cause },
        );
      }
    },
  };
}

function sessionOptions(model: EmittedModel, device: Device, threads: number): InferenceSession.SessionOptions {
  return {
    executionProviders: [device],
    graphOptimizationLevel: 'all',
    // Memory patterns make every further run of a large graph grow by a gigabyte.
    enableMemPattern: false,
    logSeverityLevel: 3,
    ...(threads > 0 && { intraOpNumThreads: threads }),
    extra: {
      session: {
        // Threads that spin while they wait take the cores that decoding and resizing need.
        intra_op: { allow_spinning: '0' },
        ...(model.folder !== undefined && { model_external_initializers_file_folder_path: model.folder }),
        // What is not the CPU must prove that it ran: nodes it cannot take are an error, not a silent detour.
        ...(device !== 'cpu' && { disable_cpu_ep_fallback: '1' }),
      },
    },
  };
}

function sessionOf(session: InferenceSession): Session {
  return {
    async run(inputs) {
      const feeds: Record<string, OrtTensor> = {};
      for (const name of session.inputNames) {
        const tensor = inputs[name];
        if (tensor === undefined) throw new Error(`the input ${name} is missing`);
        feeds[name] = new OrtTensor('float32', tensor.data, tensor.shape);
      }
      const results = await session.run(feeds);
      const out: Record<string, Tensor> = {};
      for (const [name, value] of Object.entries(results)) out[name] = { data: value.data as Float32Array, shape: value.dims };
      return out;
    },
    close: () => session.release(),
  };
}
