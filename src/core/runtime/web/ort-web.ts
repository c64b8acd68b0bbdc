/** ONNX Runtime in a browser (and, on WebAssembly, in Node). A run blocks its thread on WebAssembly: use it inside a worker. */
import type * as OnnxRuntime from 'onnxruntime-web';
import { messageOf, ProsamError } from '../../common/errors.ts';
import { defineNetwork, emitWithFile, type EmittedModel } from '../../onnx/emit.ts';
import type { Runtime, Session, Tensor } from '../../onnx/session.ts';
import { threadsHere, type WebDevice } from './device.ts';

type WeightFiles = ReadonlyMap<string, Uint8Array>;

export interface WebRuntimeOptions {
  device: WebDevice;
  /** Bytes of the weight files, by the names that emitted models call them; they may still be on their way. */
  files: WeightFiles | Promise<WeightFiles>;
  /** Folder that ONNX Runtime's .wasm and .mjs files are served from, with the slash at its end. @default beside its script */
  wasmPaths?: string;
  /** Threads of one operator on WebAssembly, where the page is isolated; 1 elsewhere. @default one per core, at most 4 */
  threads?: number;
}

export interface WebRuntime extends Runtime {
  readonly device: WebDevice;
  readonly threads: number;
  /** Compiles WebAssembly and starts its threads, for which no weights are needed. Never fails: `load` says why it cannot. */
  start(): Promise<void>;
}

type Ort = Pick<typeof OnnxRuntime, 'env' | 'InferenceSession' | 'Tensor'>;
type OrtSession = OnnxRuntime.InferenceSession;

/** Each brings the one WebAssembly file it needs: 14 MB for the processor alone, 27 MB with WebGPU. */
const PACKAGES: Record<WebDevice, () => Promise<Ort>> = {
  webgpu: () => import('onnxruntime-web/webgpu'),
  wasm: () => import('onnxruntime-web/wasm'),
};

/** @throws PACKAGE_MISSING; DEVICE_UNAVAILABLE from `load` */
export async function webRuntime({ device, files, wasmPaths, threads: wanted }: WebRuntimeOptions): Promise<WebRuntime> {
  const threads = threadsHere(wanted);
  const ort = await PACKAGES[device]().catch((cause: unknown) => {
    throw new ProsamError(
      'PACKAGE_MISSING',
      `expected the package onnxruntime-web, but it does not load: ${messageOf(cause)}. Install it.`,
      {
        cause,
      },
    );
  });
  ort.env.logLevel = 'error';
  ort.env.wasm.numThreads = threads;
  if (wasmPaths !== undefined) ort.env.wasm.wasmPaths = wasmPaths;
  // It holds one stack for all sessions: two runs at once would mix them up.
  let last: Promise<unknown> = Promise.resolve();
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const mine = last.then(work);
    last = mine.catch(() => undefined);
    return mine;
  };

  const create = async (model: EmittedModel, known: WeightFiles): Promise<Session> => {
    const session = await inTurn(() => ort.InferenceSession.create(model.bytes, sessionOptions(model, device, known)));
    return sessionOf(ort, session, inTurn);
  };

  return {
    device,
    threads,
    async start() {
      const started = create(emitWithFile(SMALLEST, undefined), new Map()).then((session) => session.close());
      await started.catch(() => undefined);
    },
    async load(model) {
      const known = await files;
      try {
        return await create(model, known);
      } catch (cause) {
        throw new ProsamError(
          'DEVICE_UNAVAILABLE',
          `${model.name}: ONNX Runtime cannot run it on ${device} here: ${messageOf(cause)}. Check that its .wasm files are served (wasmPaths), or use another device.`,
          { cause },
        );
      }
    },
  };
}

/** No session is made without a network: ONNX Runtime starts with its first one. */
const SMALLEST = defineNetwork('start', { x: [1] }, (ops, _, { x }) => ({ y: ops.add(x, x) }));

function sessionOptions(model: EmittedModel, device: WebDevice, files: WeightFiles): OnnxRuntime.InferenceSession.SessionOptions {
  return {
    executionProviders: [device],
    graphOptimizationLevel: 'all',
    enableMemPattern: false,
    logSeverityLevel: 3,
    externalData: weightsOf(model, files),
    // WebGPU must prove that it runs: nodes it cannot take are an error, not a silent detour over the processor.
    ...(device === 'webgpu' && { extra: { session: { disable_cpu_ep_fallback: '1' } } }),
  };
}

/** Files of weights that are part of a graph, as named there. */
function weightsOf({ name, files = [] }: EmittedModel, known: WeightFiles): { path: string; data: Uint8Array }[] {
  return files.map((path) => {
    const data = known.get(path);
    if (data === undefined) throw new Error(`${name} reads the file ${path}, whose bytes are not at hand`);
    return { path, data };
  });
}

function sessionOf(ort: Ort, session: OrtSession, inTurn: <T>(work: () => Promise<T>) => Promise<T>): Session {
  return {
    async run(inputs) {
      const feeds: Record<string, InstanceType<Ort['Tensor']>> = {};
      for (const name of session.inputNames) {
        const tensor = inputs[name];
        if (tensor === undefined) throw new Error(`the input ${name} is missing`);
        feeds[name] = new ort.Tensor('float32', tensor.data, tensor.shape);
      }
      const results = await inTurn(() => session.run(feeds));
      const out: Record<string, Tensor> = {};
      for (const [name, value] of Object.entries(results)) out[name] = { data: value.data as Float32Array, shape: value.dims };
      return out;
    },
    close: () => inTurn(() => session.release()),
  };
}
