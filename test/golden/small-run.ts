/** Known answers of the photo model as lines and totals, as the runner of golden sets prints them. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { openModel } from '../../src/core/checkpoint/model-folder.ts';
import { createNetworks } from '../../src/core/onnx/networks.ts';
import { nodeRuntime } from '../../src/core/runtime/node/ort-node.ts';
import { relativeError } from './compare.ts';
import type { Engines, NumberTensor } from './golden-set.ts';
import { engineOutputs, fewEngineOutputs, stepOutputs } from './small-engine.ts';
import { knownOf, smallOutputs, tensorOf, type KnownTensors } from './small-model.ts';

const FOLDER = 'models/small';
const ANSWERS = 'check.safetensors';
/** Bounds on the largest difference, as a share of the largest known value; single precision stays well below. */
const BOUND = 1e-4;
const GRADIENT_BOUND = 3e-4;
/** Long tensors are known by every eighth row. */
const STEP = 8;
const LONG = 20_000;

/** Ways to the numbers: the networks' functions one by one, the engine from pictures to masks, a step of training. */
export const SMALL_WAYS = ['networks', 'engine', 'training'] as const;
/** 'few': a part of the engine's way. */
export type SmallWay = (typeof SMALL_WAYS)[number] | 'few';

export interface SmallTotals {
  passed: number;
  failed: number;
  skipped: number;
}

/** A folder with the photo model's known answers, which no manifest describes. */
export function isSmall(dir: string): boolean {
  return existsSync(join(dir, ANSWERS)) && !existsSync(join(dir, 'manifest.json'));
}

/** dir: of the known answers. ways: @default all that the engines can go */
export async function runSmall(
  dir: string,
  print: (line: string) => void,
  engines: Engines = {},
  ways: readonly SmallWay[] = SMALL_WAYS,
): Promise<SmallTotals> {
  const known = knownOf(dir);
  const model = await openModel(FOLDER);
  const totals: SmallTotals = { passed: 0, failed: 0, skipped: 0 };
  const { slack = 1 } = engines;
  const put = (way: SmallWay, found: Iterable<readonly [string, ArrayLike<number>]>, bound: number): void => {
    for (const [key, values] of found) {
      const [name, first] = key.split(' ') as [string, string?];
      const tensor = tensorOf(known, `out.${name}`);
      const error = relativeError(values, first ? firstOf(tensor) : tensor);
      const ok = error < bound * slack;
      totals[ok ? 'passed' : 'failed']++;
      print(`${ok ? 'ok  ' : 'FAIL'} small_${way} ${name} ${error.toExponential(2)} ${bound}`);
    }
  };
  const steps = [...known.keys()].filter((name) => name.startsWith('out.train.'));
  if (ways.includes('networks')) put('networks', await smallOutputs(FOLDER, known, engines), BOUND);
  const networks = createNetworks(model, engines.runtime ?? nodeRuntime());
  try {
    if (ways.includes('engine') && engines.networks !== 'tfjs') put('engine', await engineOutputs(model, networks, known), BOUND);
    if (ways.includes('few')) put('few', await fewEngineOutputs(model, networks, known), BOUND);
    if (!ways.includes('training')) return totals;
    if (engines.tf === undefined) {
      totals.skipped += steps.length;
      print('not yet: small_training needs a training engine');
      return totals;
    }
    const step = await stepOutputs(model, networks, known, engines.tf);
    const losses = Object.entries({ loss: step.loss, bce: step.bce, dice: step.dice, coarse_loss: step.coarse as number });
    put(
      'training',
      losses.map(([name, value]) => [`train.${name}`, [value]] as const),
      BOUND,
    );
    put('training', gradientsOf(known, step.gradients, model.promptEncoder), GRADIENT_BOUND);
    return totals;
  } finally {
    await networks.close();
  }
}

function gradientsOf(
  known: KnownTensors,
  gradients: ReadonlyMap<string, Float32Array>,
  parameters: ReadonlyMap<string, { shape: readonly number[] }> | undefined,
): [string, Float32Array][] {
  return [...known.keys()].flatMap((key): [string, Float32Array][] => {
    if (!key.startsWith('out.train.grad.')) return [];
    const name = key.slice('out.train.grad.'.length);
    const values = gradients.get(name) as Float32Array;
    const rows = parameters?.get(name)?.shape[0] ?? 1;
    return [[`train.grad.${name}`, values.length > LONG ? everyEighthRow(values, rows) : values]];
  });
}

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
