/** The port behind which a model file is executed: ONNX Runtime in Node, or in a browser. */
import type { EmittedModel } from './emit.ts';

export interface Tensor {
  data: Float32Array;
  shape: readonly number[];
}

export interface Session {
  /** Outputs by name. Inputs are not changed. */
  run(inputs: Readonly<Record<string, Tensor>>): Promise<Record<string, Tensor>>;
  close(): Promise<void>;
}

export interface Runtime {
  /** Device that executes, e.g. `cpu`. */
  readonly device: string;
  load(model: EmittedModel): Promise<Session>;
}
