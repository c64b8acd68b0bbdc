/** Runs one network of this project on ONNX Runtime's CPU with weights of a golden set. */
import { join } from 'node:path';
import { openWeightFile } from '../../src/core/checkpoint/weight-file.ts';
import type { Ops, Weights } from '../../src/core/model/ops.ts';
import { emitWithFile } from '../../src/core/runtime/emit.ts';
import { nodeRuntime } from '../../src/core/runtime/node.ts';
import type { Tensor } from '../../src/core/runtime/runtime.ts';
import type { GoldenSet } from './golden-set.ts';

type Named<T> = Record<string, T>;
export type Build = <T>(ops: Ops<T>, weights: Weights<T>, inputs: Named<T>) => Named<T>;

export async function execute(
  set: GoldenSet,
  weightsName: string | undefined,
  inputs: Named<Tensor>,
  build: Build,
): Promise<Named<Tensor>> {
  const entry = weightsName === undefined ? undefined : set.manifest.weights[weightsName];
  const file = entry && (await openWeightFile(join(set.dir, entry.file)));
  const shapes = Object.fromEntries(Object.entries(inputs).map(([name, tensor]) => [name, tensor.shape]));
  const model = emitWithFile({ name: weightsName ?? 'plain', inputs: shapes, build }, file);
  const session = await nodeRuntime().load(model);
  try {
    return await session.run(inputs);
  } finally {
    await session.close();
  }
}

/** Values of named tensors, ready to be compared. */
export function valuesOf(tensors: Named<Tensor>): Named<ArrayLike<number>> {
  return Object.fromEntries(Object.entries(tensors).map(([name, tensor]) => [name, tensor.data]));
}
