/** The photo model against numbers of PyTorch, at every stage. */
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { WebDevice } from '../../src/core/runtime/web/device.ts';
import { loadTrainingEngine } from '../../src/training/tfjs/engine.ts';
import { chromiumLabel, hasChromium, startChromium } from '../unit/adapters/console/chromium.ts';
import { runGolden } from '../../tools/golden/run.ts';
import { browserRuntime } from './browser-runtime.ts';
import type { Engines } from './golden-set.ts';
import { slackOf } from './runtimes.ts';
import { runSmall, type SmallWay } from './small-run.ts';
import { wasmRuntime } from './web-runtime.ts';

const ALL = process.env['PROSAM_GOLDEN_ALL'] === '1';
const MODEL = 'models/small';
const KNOWN = 'test/golden/small-data';
/** Numbers of each way: every forward number, those that an engine's calls show, losses and gradients. */
const COUNTS: Readonly<Record<SmallWay, number>> = { networks: 40, engine: 24, training: 13, few: 3 };

async function run(ways: readonly SmallWay[], engines?: Engines): Promise<{ passed: number; failures: string[] }> {
  const lines: string[] = [];
  const { passed } = await runSmall(KNOWN, (line) => lines.push(line), engines, ways);
  return { passed, failures: lines.filter((line) => line.startsWith('FAIL')) };
}
const all = (...ways: readonly SmallWay[]) => ({ passed: ways.reduce((sum, way) => sum + COUNTS[way], 0), failures: [] });

describe('the photo model', () => {
  it('hits every number on ONNX Runtime, network by network and from pictures to masks, as a golden set of the runner', async () => {
    const lines: string[] = [];
    expect(await runGolden(KNOWN, (line) => lines.push(line))).toEqual({
      passed: COUNTS.networks + COUNTS.engine,
      failed: 0,
      skipped: COUNTS.training,
    });
    expect(lines.filter((line) => line.startsWith('not yet'))).toEqual(['not yet: small_training needs a training engine']);
  });

  it('hits every number of its networks on TensorFlow.js, and loss and gradients of a training step', async () => {
    const { tf } = await loadTrainingEngine('wasm');
    expect(await run(['networks', 'training'], { tf, networks: 'tfjs' })).toEqual(all('networks', 'training'));
  });

  it('hits every number on WebAssembly in Node, as pages compute them (software)', async () => {
    expect(await run(['networks', 'engine'], { runtime: await wasmRuntime(MODEL) })).toEqual(all('networks', 'engine'));
  });

  describe.skipIf(!hasChromium)(chromiumLabel, () => {
    let browser: Browser;
    beforeAll(async () => {
      browser = await startChromium(['--enable-unsafe-webgpu', '--use-webgpu-adapter=swiftshader']);
    });
    afterAll(() => browser.close());

    const inBrowser = async (device: WebDevice, way: SmallWay) => {
      const runtime = await browserRuntime(browser, device, MODEL);
      try {
        return await run([way], { runtime, slack: slackOf(device) });
      } finally {
        await runtime.end();
      }
    };

    it('hits the numbers from pictures to masks on WebAssembly (software)', async () => {
      expect(await inBrowser('wasm', 'engine')).toEqual(all('engine'));
    });

    it('hits an image and a click on WebGPU, every node on it (SwiftShader: software)', async () => {
      expect(await inBrowser('webgpu', 'few')).toEqual(all('few'));
    });

    it.runIf(ALL)(
      'hits the numbers from pictures to masks on WebGPU, every node on it (SwiftShader: software)',
      async () => {
        expect(await inBrowser('webgpu', 'engine')).toEqual(all('engine'));
      },
      900_000,
    );
  });
});
