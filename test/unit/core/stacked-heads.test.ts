/** VRP-SAM with two linear layers behind its queries, through the graph that the engine runs. */
import { describe, expect, it } from 'vitest';
import type { PromptEncoderConfig } from '../../../src/core/networks/config.ts';
import { encodeTarget } from '../../../src/core/networks/variational-prompt-encoder.ts';
import { defineNetwork, emitWithWeightInputs, weightInput } from '../../../src/core/onnx/emit.ts';
import { nodeRuntime } from '../../../src/core/runtime/node/ort-node.ts';
import type { Tensor } from '../../../src/core/onnx/session.ts';
import { normal, seededRandom } from '../../../src/core/common/random.ts';
import { initialParameters } from '../../../src/training/step/parameters.ts';

const PLAIN: PromptEncoderConfig = {
  ...{ midChannels: 12, dim: 8, numPrompts: 5, numHeads: 2, dropout2d: 0, maskGain: 10 },
  ...{ pseudoNorm: 'none', probabilistic: false },
};
const shapes = { mid: [1, 12, 4, 4], pseudo: [1, 1, 4, 4], prototype: [1, 8, 1, 1], queries: [1, 5, 8] };

async function muOf(
  config: PromptEncoderConfig,
): Promise<{ mu: Float32Array; weights: ReturnType<typeof initialParameters>; outputs: string[] }> {
  const random = seededRandom(2);
  const inputs = Object.fromEntries(
    Object.entries(shapes).map(([name, shape]): [string, Tensor] => {
      return [name, { data: Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => normal(random)), shape }];
    }),
  );
  const weights = initialParameters(config, seededRandom(1));
  const graph = defineNetwork('target', shapes, (ops, get, values) => {
    const { mu, logSigma } = encodeTarget(ops, get, config, values);
    return { mu, ...(logSigma !== undefined && { logSigma }) };
  });
  const session = await nodeRuntime({ device: 'cpu', threads: 1 }).load(emitWithWeightInputs(graph));
  // Only what the target's half asks for.
  const used = [...weights].filter(([name]) => !/^(queries|ref_)/.test(name));
  const found = await session.run({ ...inputs, ...Object.fromEntries(used.map(([name, tensor]) => [weightInput(name), tensor])) });
  await session.close();
  return { mu: (found as { mu: Tensor }).mu.data, weights, outputs: Object.keys(found) };
}

/** x W' + b */
function linear(x: Float32Array, weight: Float32Array, bias: Float32Array): Float32Array {
  const width = bias.length;
  return x.map((_, at) => {
    const [row, out] = [Math.floor(at / width), at % width];
    let sum = bias[out] as number;
    for (let i = 0; i < width; i++) sum += (x[row * width + i] as number) * (weight[out * width + i] as number);
    return sum;
  });
}

describe('stacked heads', () => {
  it('are the second head after the first after the queries, with no log sigma', async () => {
    const plain = await muOf(PLAIN);
    const { mu, weights, outputs } = await muOf({ ...PLAIN, stackedHeads: true });
    const value = (name: string): Float32Array => weights.get(name)?.data as Float32Array;
    const first = linear(plain.mu, value('mu_head.weight'), value('mu_head.bias'));
    const wanted = linear(first, value('log_sigma_head.weight'), value('log_sigma_head.bias'));
    expect(outputs).toEqual(['mu']);
    expect(Math.max(...mu.map((v, i) => Math.abs(v - (wanted[i] as number))))).toBeLessThan(1e-5);
    expect(Math.max(...mu.map((v, i) => Math.abs(v - (plain.mu[i] as number))))).toBeGreaterThan(0.1);
  });
});
