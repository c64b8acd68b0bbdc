/** Runs the probe networks on a device and on the CPU. Blocks its thread, and a broken driver may end its process. */
import type { Device } from './devices.ts';
import { emitWithFile } from '../../onnx/emit.ts';
import { nodeRuntime } from '../node/ort-node.ts';
import { LAYERS, layersInput, productInputs, productNetwork } from './probe-network.ts';
import type { Runtime, Tensor } from '../../onnx/session.ts';

/** Result of a probe. */
export interface ProbeMetrics {
  /** Largest difference of the device's numbers to the CPU's, as a share of the largest number. */
  difference: number;
  /** Milliseconds of one run of the product, including transfers to and from the device. */
  deviceMs: number;
  cpuMs: number;
}

/** Sides of the products: the small one, computed first, spares a software driver the large one. */
const SMALL = 384;
const LARGE = 1024;
const RUNS = { small: 1, large: 3 };

/** Beyond both, the large product would only confirm that the device is slower. */
const HOPELESS = { times: 8, milliseconds: 40 };

/** @throws DEVICE_UNAVAILABLE where a session cannot be made */
export async function probe(device: Device): Promise<ProbeMetrics> {
  const [own, cpu] = [nodeRuntime({ device }), nodeRuntime()];
  const layers = differenceOf(await layersOn(own), await layersOn(cpu));
  const small = await productOn(own, cpu, SMALL, RUNS.small);
  const hopeless = small.deviceMs > HOPELESS.milliseconds && small.deviceMs > HOPELESS.times * small.cpuMs;
  const decisive = hopeless ? small : await productOn(own, cpu, LARGE, RUNS.large);
  return { ...decisive, difference: Math.max(layers, small.difference, decisive.difference) };
}

async function layersOn(runtime: Runtime): Promise<Record<string, Tensor>> {
  const session = await runtime.load(emitWithFile(LAYERS, undefined));
  try {
    return await session.run(layersInput());
  } finally {
    await session.close();
  }
}

async function productOn(own: Runtime, cpu: Runtime, side: number, runs: number): Promise<ProbeMetrics> {
  const theirs = await timedProduct(cpu, side, runs);
  const ours = await timedProduct(own, side, runs);
  return { difference: differenceOf(ours.outputs, theirs.outputs), deviceMs: ours.milliseconds, cpuMs: theirs.milliseconds };
}

/** The first run prepares; of the others the fastest counts, because a machine may be busy but never too fast. */
async function timedProduct(
  runtime: Runtime,
  side: number,
  runs: number,
): Promise<{ outputs: Record<string, Tensor>; milliseconds: number }> {
  const session = await runtime.load(emitWithFile(productNetwork(side), undefined));
  try {
    const inputs = productInputs(side);
    let outputs = await session.run(inputs);
    let milliseconds = Infinity;
    for (let i = 0; i < runs; i++) {
      const started = performance.now();
      outputs = await session.run(inputs);
      milliseconds = Math.min(milliseconds, performance.now() - started);
    }
    return { outputs, milliseconds };
  } finally {
    await session.close();
  }
}

/** NaN where one of the values is none. */
function differenceOf(ours: Record<string, Tensor>, theirs: Record<string, Tensor>): number {
  let largest = 0;
  for (const [name, { data }] of Object.entries(theirs)) {
    const own = ours[name]?.data ?? new Float32Array(data.length).fill(NaN);
    const scale = data.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    data.forEach((value, i) => {
      const difference = Math.abs(value - (own[i] as number)) / scale;
      if (!(difference <= largest)) largest = difference;
    });
  }
  return largest;
}
