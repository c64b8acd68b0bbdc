/** Runs one network of this project with weights of a golden set: on ONNX Runtime, on any of its devices, or on TensorFlow.js. */
import { join } from 'node:path';
import type { Checkpoint, CheckpointTensors } from '../../src/core/checkpoint/checkpoint.ts';
import { openCheckpoint } from '../../src/core/checkpoint/open-checkpoint.ts';
import { readFloatTensors } from '../../src/core/checkpoint/read-tensors.ts';
import { weightsFrom, type Ops, type Weights } from '../../src/core/networks/ops.ts';
import { emitWithFile, type NetworkDefinition } from '../../src/core/onnx/emit.ts';
import { nodeRuntime } from '../../src/core/runtime/node/ort-node.ts';
import type { Runtime, Tensor } from '../../src/core/onnx/session.ts';
import { tfjsOps, type Tf } from '../../src/training/tfjs/tfjs-ops.ts';
import type { GoldenSet } from './golden-set.ts';

type Named<T> = Record<string, T>;
export type Build = <T>(ops: Ops<T>, weights: Weights<T>, inputs: Named<T>) => Named<T>;

export async function execute(
  set: GoldenSet,
  weightsName: string | undefined,
  inputs: Named<Tensor>,
  build: Build,
  /** The networks' names of the weights. @default as they stand in the file */
  names: (tensors: CheckpointTensors, label: string) => CheckpointTensors = (tensors) => tensors,
): Promise<Named<Tensor>> {
  const entry = weightsName === undefined ? undefined : set.manifest.weights[weightsName];
  const open = entry && (await openCheckpoint(join(set.dir, entry.file)));
  const file = open && { ...open, tensors: names(open.tensors, open.file) };
  if (set.engines.networks === 'tfjs') return executeEagerly(set.engines.tf as Tf, file && (await readFloatTensors(file)), inputs, build);
  const shapes = Object.fromEntries(Object.entries(inputs).map(([name, tensor]) => [name, tensor.shape]));
  return executeOnnx({ name: weightsName ?? 'plain', inputs: shapes, build }, file, inputs, set.engines.runtime);
}

export async function executeOnnx(
  definition: NetworkDefinition,
  file: Checkpoint | undefined,
  inputs: Named<Tensor>,
  runtime: Runtime = nodeRuntime(),
): Promise<Named<Tensor>> {
  const session = await runtime.load(emitWithFile(definition, file));
  try {
    return await session.run(inputs);
  } finally {
    await session.close();
  }
}

function executeEagerly(tf: Tf, tensors: ReadonlyMap<string, Tensor> | undefined, inputs: Named<Tensor>, build: Build): Named<Tensor> {
  const weights = weightsFrom((name, shape) => tf.tensor((tensors?.get(name) as Tensor).data, [...shape]));
  const outputs: Named<Tensor> = {};
  tf.tidy(() => {
    const given = Object.fromEntries(Object.entries(inputs).map(([name, { data, shape }]) => [name, tf.tensor(data, [...shape])]));
    for (const [name, tensor] of Object.entries(build(tfjsOps(tf), weights, given))) {
      outputs[name] = { data: tensor.dataSync() as Float32Array, shape: tensor.shape };
    }
  });
  return outputs;
}

/** Values of named tensors, ready to be compared. */
export function valuesOf(tensors: Named<Tensor>): Named<ArrayLike<number>> {
  return Object.fromEntries(Object.entries(tensors).map(([name, tensor]) => [name, tensor.data]));
}
