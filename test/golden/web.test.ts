/**
 * The golden networks as browsers run them, all in software: ONNX Runtime's WebAssembly build in Node and in Chromium, and WebGPU in
 * Chromium on SwiftShader, a processor that plays a graphics processor. That compiles every network for many seconds, so a few stand
 * for all; PROSAM_GOLDEN_ALL=1 runs all of them there too.
 */
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Runtime } from '../../src/core/onnx/session.ts';
import type { WebDevice } from '../../src/core/runtime/web/device.ts';
import { chromiumLabel, hasChromium, startChromium } from '../unit/adapters/console/chromium.ts';
import { browserRuntime } from './browser-runtime.ts';
import { runGolden } from '../../tools/golden/run.ts';
import { NETWORK_SETS } from './shipped-sets.ts';
import { wasmRuntime } from './web-runtime.ts';

const ALL = process.env['PROSAM_GOLDEN_ALL'] === '1';

/** WGSL lets a sine be off by this much; it carries the coordinates of points. */
const SINE_ERROR = 2 ** -11;
/** Outputs of decoders behind points and boxes, which carry it on. */
const BEHIND_POINTS = /^(sam2_(mask_decoder_own_prompts (points|boxes_mask)|predictor (multi|single))|persam(_f)?_\d+ (logits|iou))_/;
/** The most it makes of their own bounds; 6.4 was measured. */
const BEHIND_POINTS_SLACK = 8;

/** A miss that the sine explains. line: of a case that failed. */
function comesFromSine(line: string): boolean {
  const [, name = '', output = '', difference, bound] = line.split(' ');
  if (BEHIND_POINTS.test(`${name} ${output}`)) return Number(difference) <= BEHIND_POINTS_SLACK * Number(bound);
  return /^sam2?_prompt_encoder/.test(name) && output.startsWith('sparse_') && Number(difference) < SINE_ERROR;
}

async function run(dir: string, runtime: Runtime, only?: readonly string[]): Promise<{ passed: number; failures: string[] }> {
  const lines: string[] = [];
  const { passed } = await runGolden(dir, (line) => lines.push(line), { runtime }, only);
  return { passed, failures: lines.filter((line) => line.startsWith('FAIL')) };
}

describe.each(NETWORK_SETS)('golden numbers of $dir as browsers compute them', ({ dir, withoutEngine: outputs, few }) => {
  it('are hit on WebAssembly in Node (software)', async () => {
    expect(await run(dir, await wasmRuntime(join(dir, 'weights')))).toEqual({ passed: outputs, failures: [] });
  });

  describe.skipIf(!hasChromium)(chromiumLabel, () => {
    let browser: Browser;
    beforeAll(async () => {
      browser = await startChromium(['--enable-unsafe-webgpu', '--use-webgpu-adapter=swiftshader']);
    });
    afterAll(() => browser.close());

    const inBrowser = async (device: WebDevice, only?: readonly string[]) => {
      const runtime = await browserRuntime(browser, device, join(dir, 'weights'));
      try {
        return await run(dir, runtime, only);
      } finally {
        await runtime.end();
      }
    };

    it('are hit on WebAssembly (software)', async () => {
      expect(await inBrowser('wasm')).toEqual({ passed: outputs, failures: [] });
    });

    const onWebGpu = async (expected: number, only?: readonly string[]) => {
      const { passed, failures } = await inBrowser('webgpu', only);
      expect(failures.filter((line) => !comesFromSine(line))).toEqual([]);
      expect(passed + failures.length).toBe(expected);
    };

    it('are hit on WebGPU, every node on it (SwiftShader: software), by a few networks', async () => {
      await onWebGpu(few.outputs, few.cases);
    });

    it.runIf(ALL)('are hit on WebGPU, every node on it (SwiftShader: software), by all networks', () => onWebGpu(outputs), 900_000);
  });
});
