/** The photo model against numbers of PyTorch, at every stage. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openModel, type Model } from '../../src/core/checkpoint/model-folder.ts';
import { checkModelWeights, createNetworks, type Networks } from '../../src/core/onnx/networks.ts';
import { nodeRuntime } from '../../src/core/runtime/node/ort-node.ts';
import { loadTrainingEngine } from '../../src/training/tfjs/engine.ts';
import type { Engines, NumberTensor } from './golden-set.ts';
import { engineOutputs, stepOutputs } from './small-engine.ts';
import { relativeError } from './compare.ts';
import { knownOf, smallOutputs, tensorOf, type KnownTensors } from './small-model.ts';

const FOLDER = 'models/small';
const KNOWN = 'test/golden/small-data';
const RUNTIMES: Record<string, () => Promise<Engines>> = {
  'ONNX Runtime': () => Promise.resolve({}),
  'TensorFlow.js': async () => ({ tf: (await loadTrainingEngine('wasm')).tf, networks: 'tfjs' }),
};
/** Bounds on the largest difference, as a share of the largest known value; single precision stays well below. */
const BOUND = 1e-4;
const GRADIENT_BOUND = 3e-4;
/** Long tensors are known by every eighth row. */
const STEP = 8;
const LONG = 20_000;

/** First of four answers. */
function firstOf({ data, shape }: NumberTensor): NumberTensor {
  return { data: data.slice(0, data.length / (shape[0] as number)), shape: [1, ...shape.slice(1)] };
}

function everyEighthRow(values: Float32Array, rows: number): Float32Array {
  const size = values.length / rows;
  return Float32Array.from(
    { length: Math.ceil(rows / STEP) * size },
    (_, i) => values[Math.floor(i / size) * STEP * size + (i % size)] as number,
  );
}

describe('the photo model', () => {
  let known: KnownTensors;
  let model: Model;
  let networks: Networks;
  beforeAll(async () => {
    known = knownOf(KNOWN);
    model = await openModel(FOLDER);
    checkModelWeights(model);
    networks = createNetworks(model, nodeRuntime());
  });
  afterAll(() => networks.close());

  /** Names beyond the bound, with their errors. */
  const missed = (found: ReadonlyMap<string, ArrayLike<number>>, bound: number): [string, number][] => {
    const errors = [...found].map(([key, values]): [string, number] => {
      const [name, first] = key.split(' ') as [string, string?];
      const tensor = tensorOf(known, `out.${name}`);
      return [key, relativeError(values, first ? firstOf(tensor) : tensor)];
    });
    if (process.env['PROSAM_SMALL_SHOW']) console.log(errors.map(([name, error]) => `${name} ${error.toExponential(1)}`).join('\n'));
    return errors.filter(([, error]) => !(error < bound));
  };

  it.each(Object.entries(RUNTIMES))('hits every forward number with its networks on %s', async (_, engines) => {
    const found = await smallOutputs(FOLDER, known, await engines());
    const forward = [...known.keys()].filter((name) => name.startsWith('out.') && !name.startsWith('out.train.'));
    expect([...found.keys()].map((name) => `out.${name}`).sort()).toEqual(forward.sort());
    expect(missed(found, BOUND)).toEqual([]);
  });

  it("hits them by the engine's way, pictures to masks", async () => {
    expect(missed(await engineOutputs(model, networks, known), BOUND)).toEqual([]);
  });

  it('hits loss and gradients of a training step', async () => {
    const { tf } = await loadTrainingEngine('wasm');
    const step = await stepOutputs(model, networks, known, tf);
    const losses: [string, number[]][] = [
      ['loss', [step.loss]],
      ['bce', [step.bce]],
      ['dice', [step.dice]],
      ['coarse_loss', [step.coarse as number]],
    ];
    expect(missed(new Map(losses.map(([name, values]) => [`train.${name}`, values])), BOUND)).toEqual([]);
    const gradients = [...known.keys()].flatMap((key) => {
      const name = key.startsWith('out.train.grad.') ? key.slice('out.train.grad.'.length) : undefined;
      if (name === undefined) return [];
      const values = step.gradients.get(name) as Float32Array;
      const rows = model.promptEncoder?.get(name)?.shape[0] ?? 1;
      return [[`train.grad.${name}`, values.length > LONG ? everyEighthRow(values, rows) : values] as const];
    });
    expect(losses.length + gradients.length).toBe([...known.keys()].filter((name) => name.startsWith('out.train.')).length);
    expect(missed(new Map(gradients), GRADIENT_BOUND)).toEqual([]);
  });
});
