/**
 * The same engine on WebGPU. On machines without a GPU a software adapter (Mesa's lavapipe, version 24 or later) stands in;
 * PROSAM_REQUIRE_WEBGPU=1 turns its absence from a skip into a failure.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { sceneWith } from '../../../../src/scenes/scene-with.ts';
import { verdictOn } from '../../../../src/core/runtime/devices/choose-device.ts';
import { machineFacts, onlySoftware } from '../../../../src/core/runtime/devices/obstacles.ts';
import { probeDevice } from '../../../../src/core/runtime/devices/probe-device.ts';
import { createEngine, isProsamError, type Engine } from '../../../../src/index.ts';
import { writeSam2Folder } from '../sam2/sam2-folder.ts';

const root = mkdtempSync(join(tmpdir(), 'prosam-webgpu-'));
afterAll(() => {
  rmSync(root, { recursive: true, force: true });
});

/** A GPU shows itself by a file; what answers without one computes on the CPU. */
const software = process.platform === 'linux' && onlySoftware('webgpu', await machineFacts()) !== undefined;

let seed = 77;
const [reference, target] = [sceneWith(3, () => seed++), sceneWith(3, () => seed++)];

async function predict(engine: Engine) {
  const references = [{ image: reference.image, mask: reference.truth }];
  const { device, masks } = await engine.predict(target.image, references, { method: 'prosam' });
  const refined = await engine.refine(target.image, { points: [{ x: 120, y: 130 }] });
  return { device, mask: masks[0] as (typeof masks)[number], refined: refined.masks };
}

describe('WebGPU', () => {
  it('is never what auto stands for where a software GPU (Mesa) answers', async (context) => {
    const response = await probeDevice('webgpu');
    if (!software || ('failed' in response && process.env['PROSAM_REQUIRE_WEBGPU'] !== '1')) {
      context.skip('no software WebGPU adapter on this machine');
      return;
    }
    expect(response).toMatchObject({ metrics: expect.anything() as object });
    expect(verdictOn(response)).toMatchObject({ used: false, reason: expect.stringMatching(/^slower than the CPU here/) as string });
  });

  it.for(['tiny', 'a small SAM 2'])('agrees with the CPU, every node on the GPU: %s', async (name, context) => {
    const model = name === 'tiny' ? name : await writeSam2Folder(join(root, 'sam2'));
    const gpu = await createEngine({ model, device: 'webgpu' }).catch((error: unknown) => {
      if (isProsamError(error) && error.code === 'DEVICE_UNAVAILABLE' && process.env['PROSAM_REQUIRE_WEBGPU'] !== '1') return undefined;
      throw error;
    });
    if (gpu === undefined) {
      context.skip('no WebGPU adapter on this machine');
      return;
    }
    const cpu = await createEngine({ model, device: 'cpu' });
    const [onGpu, onCpu] = [await predict(gpu), await predict(cpu)];
    await gpu.close();
    await cpu.close();
    expect(onGpu.device).toBe('webgpu');
    expect(onGpu.mask.quality.score).toBeCloseTo(onCpu.mask.quality.score, 3);
    expect(Math.abs(onGpu.mask.area - onCpu.mask.area)).toBeLessThan(10);
    expect(onGpu.refined.map(({ samIou }) => samIou.toFixed(3))).toEqual(onCpu.refined.map(({ samIou }) => samIou.toFixed(3)));
  });
});
