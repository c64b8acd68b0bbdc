/** Parts that our sides of tools/bench/inference.ts share: the loop that answers, and the stages that go through a whole engine. */
import { readFileSync, writeFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import type { PromptEncoderPlan } from '../../src/core/checkpoint/manifest.ts';
import type { Engine, PixelImage, Reference } from '../../src/core/engine/types.ts';
import type { Precision } from '../../src/core/onnx/precision.ts';
import type { Tensor } from '../../src/core/onnx/session.ts';
import { openEngine } from '../../src/core/runtime/node/open-engine.ts';
import { middle, PROMPTS, SAMPLES, SIDE, type Inputs } from './inference-inputs.ts';

export type Stages = Record<string, () => Promise<Tensor[]>>;

export interface StageArguments {
  folder: string;
  inputs: string;
  threads: number;
  precision: Precision;
}

/** MODEL_FOLDER INPUTS THREADS PRECISION */
export function stageArguments(): StageArguments {
  const [folder = '', inputs = '', threads = '0', precision = 'fp32'] = process.argv.slice(2);
  return { folder, inputs, threads: Number(threads), precision: precision as Precision };
}

export function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => (made ??= make());
}

/** A reference's features and a target's, which is what PyTorch's side holds as well. */
const CACHE_BYTES = 2 ** 27;
/** Pixels of the image; as in pytorch/small.py. */
const CLICK: [number, number] = [400, 300];

/** Predictions of an engine opened as a user's program opens it, and a click on an image it knows. */
export function engineStages(
  { folder, threads, precision }: StageArguments,
  inputs: Inputs,
  { nu }: Pick<PromptEncoderPlan, 'nu'>,
): Pick<Stages, 'predict' | 'both' | 'click'> {
  const target = inputs.picture('target');
  const engine = once((): Promise<Engine> => openEngine({ model: folder, threads, precision, cacheBytes: CACHE_BYTES }));
  const turns = { predict: 0, both: 0 };
  const mask = { data: Uint8Array.from(middle(SIDE)), width: SIDE, height: SIDE };
  const referenceOf = (image: PixelImage): Reference => ({ image, mask });
  // The Student-t's factor is 1 where its chi-square is nu.
  const noise = { eps: inputs.floats('eps').data, delta: new Float32Array(SAMPLES * PROMPTS).fill(nu) };
  const reference = inputs.picture('reference');
  const predict = async (seen: PixelImage, marked: Reference): Promise<Tensor[]> => {
    const { masks } = await (await engine()).predict(seen, [marked], { method: 'prosam', noise });
    return [tensorOf(masks[0]?.lowResLogits as Float32Array)];
  };
  return {
    predict: () => predict(altered(target, turns.predict++), referenceOf(reference)),
    both: () => {
      const by = turns.both++;
      return predict(altered(target, by && by + 128), referenceOf(altered(reference, by)));
    },
    async click() {
      const { masks } = await (await engine()).refine(target, { points: [CLICK] });
      return masks.map(({ lowResLogits }) => tensorOf(lowResLogits));
    },
  };
}

const tensorOf = (data: Float32Array): Tensor => ({ data, shape: [data.length] });

/** Differs in one value, for an engine computes no picture twice; by 0 for the first turn, whose outputs are compared. */
function altered(image: PixelImage, by: number): PixelImage {
  const data = new Uint8Array(image.data);
  data[0] = ((data[0] as number) + by) & 255;
  return { ...image, data };
}

/** Most memory held so far. */
function peakBytes(): number {
  return 1024 * Number(/VmHWM:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? process.resourceUsage().maxRSS);
}

/** Lines in and out as those of pytorch/inference.py; ends the process with its input. */
export async function serveStages(stages: Stages): Promise<never> {
  for await (const line of createInterface({ input: process.stdin })) {
    const { stage, out } = JSON.parse(line) as { stage: string; out?: string };
    const cpu = process.cpuUsage();
    const started = performance.now();
    const outputs = await (stages[stage] as () => Promise<Tensor[]>)();
    const milliseconds = performance.now() - started;
    const { user, system } = process.cpuUsage(cpu);
    if (out !== undefined)
      writeFileSync(out, Buffer.concat(outputs.map(({ data }) => Buffer.from(data.buffer, data.byteOffset, data.byteLength))));
    const about = `ONNX Runtime, Node ${process.version}`;
    console.log(JSON.stringify({ milliseconds, cpuMilliseconds: (user + system) / 1000, peakBytes: peakBytes(), about }));
  }
  process.exit(0); // sessions need not be taken apart one by one
}
