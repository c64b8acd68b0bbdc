/** Number of threads of one operator on the CPU: measured for large models, because cores that share a unit or a quota do not add up. */
import { availableParallelism } from 'node:os';
import { bytesOfTensors } from '../../checkpoint/checkpoint.ts';
import type { EngineInfo } from '../../engine/results.ts';
import type { Model } from '../../checkpoint/model-folder.ts';
import { ProsamError } from '../../common/errors.ts';
import { defineNetwork, emitWithFile } from '../../onnx/emit.ts';
import { nodeRuntime } from './ort-node.ts';

export interface ChooseThreadsOptions {
  /** @default the cores this process may use */
  cores?: number;
  /** A product that is computed with so many threads. @default a linear layer of ViT-B's size */
  open?: (threads: number) => Promise<Product>;
}

export interface Product {
  /** Computes it once. -> milliseconds */
  run(): Promise<number>;
  close(): Promise<void>;
}

/** Weights of a model for which a second of measuring is worth it. */
const LARGE_BYTES = 50 * 2 ** 20;
/** Fewer threads than cores only where that is clearly faster: somebody else's work must not decide for the life of a process. */
const CLEARLY = 0.9;

let measured: Promise<number> | undefined;

/**
 * wanted: a number of threads, or 'auto' to have them chosen. Measured once per process, and only for a model with more than 50 MiB
 * of frozen weights.
 * @throws OPTION_INVALID
 */
export async function chooseThreads(wanted: 'auto' | number, model: Pick<Model, 'sam' | 'backbone'>): Promise<EngineInfo['threads']> {
  if (wanted !== 'auto') {
    if (Number.isInteger(wanted) && wanted >= 1) return { count: wanted, by: 'caller' };
    throw new ProsamError('OPTION_INVALID', `threads: expected 'auto' or a whole number from 1, got ${wanted}.`);
  }
  if (bytesOfTensors(model.sam) + bytesOfTensors(model.backbone) <= LARGE_BYTES) return { count: 0, by: 'default' };
  measured ??= fastestThreads().catch((error: unknown) => {
    measured = undefined;
    throw error;
  });
  return { count: await measured, by: 'measurement' };
}

/** All cores, one of each pair that may share its unit, half of those. */
function candidates(cores: number): number[] {
  return [...new Set([cores, Math.ceil(cores / 2), Math.ceil(cores / 4)])];
}

/** -> the number of threads a product is fastest with */
export async function fastestThreads({ cores = availableParallelism(), open = openProduct }: ChooseThreadsOptions = {}): Promise<number> {
  const counts = candidates(cores);
  if (counts.length === 1) return cores;
  const contestants = await Promise.all(counts.map(async (count) => ({ count, best: Infinity, product: await open(count) })));
  try {
    for (let round = 0; round <= ROUNDS; round++) {
      for (const one of contestants) {
        const ms = await one.product.run();
        // The first one makes threads and memory; what else the machine does only ever adds.
        if (round > 0) one.best = Math.min(one.best, ms);
      }
    }
  } finally {
    for (const { product } of contestants) await product.close();
  }
  const [all, ...fewer] = contestants as [(typeof contestants)[0], ...typeof contestants];
  return fewer.reduce((chosen, one) => (one.best < chosen.best * CLEARLY ? one : chosen), all).count;
}

/** A linear layer of ViT-B's width on half of its cells: 2.4 billion products, some 50 ms on one core. */
const ROWS = 2048;
const WIDTH = 768;
const OUT = 1536;
const ROUNDS = 3;

async function openProduct(threads: number): Promise<Product> {
  const definition = defineNetwork('product', { x: [ROWS, WIDTH], weight: [OUT, WIDTH] }, (ops, _, { x, weight }) => ({
    sum: ops.reduceSum(ops.linear(x, weight), [0]),
  }));
  const session = await nodeRuntime({ threads }).load(emitWithFile(definition, undefined));
  const inputs = {
    x: { data: new Float32Array(ROWS * WIDTH).fill(0.5), shape: [ROWS, WIDTH] },
    weight: { data: new Float32Array(OUT * WIDTH).fill(0.25), shape: [OUT, WIDTH] },
  };
  return {
    async run() {
      const started = performance.now();
      await session.run(inputs);
      return performance.now() - started;
    },
    close: () => session.close(),
  };
}
