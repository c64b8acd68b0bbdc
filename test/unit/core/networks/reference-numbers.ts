/** Small files that hold a network's weights, an input and what PyTorch made of it; run here on both of the project's runtimes. */
import { basename, dirname } from 'node:path';
import { loadTrainingEngine } from '../../../../src/training/tfjs/engine.ts';
import { relativeError } from '../../../golden/compare.ts';
import { execute, type Build } from '../../../golden/execute.ts';
import { readTensors, type Engines, type GoldenSet } from '../../../golden/golden-set.ts';

/** What a network can run on, by name. */
export const RUNTIMES: Record<string, () => Promise<Engines>> = {
  'ONNX Runtime': () => Promise.resolve({}),
  'TensorFlow.js': async () => ({ tf: (await loadTrainingEngine('wasm')).tf, networks: 'tfjs' }),
};

/**
 * Largest difference of every output to the file's `out.NAME`, in shares of the largest magnitude there; Infinity where the number of
 * values differs. file: with weights under their names, `in.image` and `out.*`.
 */
export async function deviations(file: string, engines: Engines, build: Build): Promise<Record<string, number>> {
  const tensors = readTensors(file);
  const weights = { network: { file: basename(file), config: {} } };
  const set: GoldenSet = { dir: dirname(file), manifest: { set: 'one file', cases: [], weights }, engines };
  const image = tensors.get('in.image') as { data: Float32Array; shape: readonly number[] };
  const outputs = await execute(set, 'network', { image }, build);
  const expected = [...tensors].filter(([name]) => name.startsWith('out.'));
  return Object.fromEntries(
    expected.map(([name, tensor]) => {
      const key = name.slice('out.'.length);
      return [key, relativeError(outputs[key]?.data ?? [], tensor)];
    }),
  );
}
