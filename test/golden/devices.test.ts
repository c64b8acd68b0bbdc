/**
 * The networks' golden cases on WebGPU where no GPU is: on Mesa's lavapipe, which computes on the CPU. PROSAM_REQUIRE_WEBGPU=1 turns the absence of a WebGPU adapter from a skip into a failure.
 */
import { describe, expect, it } from 'vitest';
import { isProsamError } from '../../src/core/common/errors.ts';
import { defineNetwork, emitWithFile } from '../../src/core/onnx/emit.ts';
import type { Runtime } from '../../src/core/onnx/session.ts';
import { runGolden } from '../../tools/golden/run.ts';
import { runtimeNamed, slackOf } from './runtimes.ts';
import { NETWORK_SETS } from './shipped-sets.ts';

async function misses(dir: string, runtime: Runtime): Promise<{ passed: number; failures: string[] }> {
  const failures: string[] = [];
  const { passed } = await runGolden(dir, (line) => line.startsWith('FAIL') && failures.push(line), { runtime });
  return { passed, failures };
}

/** undefined where there is no adapter. */
async function usable(name: string): Promise<Runtime | undefined> {
  const runtime = await runtimeNamed(name);
  const nothing = defineNetwork('nothing', { x: [1] }, (ops, _, { x }) => ({ out: ops.add(x, x) }));
  try {
    await (await runtime.load(emitWithFile(nothing, undefined))).close();
    return runtime;
  } catch (error) {
    if (isProsamError(error) && error.code === 'DEVICE_UNAVAILABLE' && process.env['PROSAM_REQUIRE_WEBGPU'] !== '1') return undefined;
    throw error;
  }
}

describe('golden numbers of the networks', () => {
  it.for(NETWORK_SETS)('of $dir are hit on a software GPU (Mesa through WebGPU), within their own bounds', async (set, context) => {
    const runtime = await usable('webgpu');
    if (runtime === undefined) {
      context.skip('no WebGPU adapter on this machine');
      return;
    }
    expect(await misses(set.dir, runtime)).toEqual({ passed: set.withoutEngine, failures: [] });
  });

  it('may be missed a little more on GPUs, which add up in another order', () => {
    expect([slackOf('cpu'), slackOf('wasm'), slackOf('cuda')]).toEqual([1, 1, 4]);
  });

  it('are asked of devices by name', async () => {
    await expect(runtimeNamed('abacus')).rejects.toThrow('expected one of cpu, cuda');
  });
});
