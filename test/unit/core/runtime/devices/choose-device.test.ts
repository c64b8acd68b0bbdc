import { describe, expect, it } from 'vitest';
import { chooseDevice, firstThatProves, verdictOn, type ChoiceParts } from '../../../../../src/core/runtime/devices/choose-device.ts';
import { obstacleTo, onlySoftware, type MachineFacts } from '../../../../../src/core/runtime/devices/obstacles.ts';
import { autoOrder, DEVICES, PROVIDER_NAMES } from '../../../../../src/core/runtime/devices/devices.ts';
import { createEngine } from '../../../../../src/index.ts';

const machine: MachineFacts = { platform: 'linux', arch: 'x64', version: '1.2.3', built: ['cpu', 'cuda', 'webgpu'], gpuFiles: [] };
const fast = { metrics: { difference: 1e-6, deviceMs: 2, cpuMs: 30 } };

function parts(probes: Record<string, Awaited<ReturnType<ChoiceParts['probe']>>>, obstacles: Record<string, string> = {}): ChoiceParts {
  return {
    order: ['cuda', 'webgpu', 'cpu'],
    facts: () => Promise.resolve(machine),
    obstacle: (device) => obstacles[device],
    probe: (device) => Promise.resolve(probes[device] ?? { failed: 'nothing is known of it' }),
  };
}

describe('the device auto stands for', () => {
  it('is the first that agrees with the CPU and is faster', async () => {
    const { device, tried } = await firstThatProves(parts({ cuda: { failed: 'no kernel' }, webgpu: fast }));
    expect(device).toBe('webgpu');
    expect(tried.map(({ device: name, used }) => [name, used])).toEqual([
      ['cuda', false],
      ['webgpu', true],
    ]);
    expect(tried[0]?.reason).toBe('no kernel');
    expect(tried[1]?.reason).toContain('2.00 ms against 30.0 ms');
  });

  it('is the CPU where nothing else proves itself', async () => {
    const software = { metrics: { difference: 1e-6, deviceMs: 4000, cpuMs: 100 } };
    const { device, tried } = await firstThatProves(parts({ webgpu: software }, { cuda: 'its provider is missing' }));
    expect(device).toBe('cpu');
    expect(tried.map(({ reason }) => reason)).toEqual([
      'its provider is missing',
      'slower than the CPU here (4.00e+3 ms against 100 ms for a product of matrices), probably a software driver',
      'works everywhere',
    ]);
  });

  it('probes nothing that has an obstacle', async () => {
    const probed: string[] = [];
    const all = { cuda: 'a', webgpu: 'b' };
    await firstThatProves({ ...parts({}, all), probe: (device) => (probed.push(device), Promise.resolve(fast)) });
    expect(probed).toEqual([]);
  });

  it('never computes other numbers than the CPU', () => {
    for (const difference of [2e-3, NaN, Infinity]) expect(verdictOn({ metrics: { ...fast.metrics, difference } }).used).toBe(false);
    expect(verdictOn(fast).used).toBe(true);
  });

  it('is decided once per process, and is quick where there is no GPU', async () => {
    const first = chooseDevice();
    expect((await chooseDevice()).tried).toBe((await first).tried);
  });

  it('stands in the information about an engine', async () => {
    const engine = await createEngine({ model: 'tiny' });
    const used = engine.info.devices?.filter((one) => one.used);
    await engine.close();
    expect(used?.map(({ device }) => device)).toEqual([engine.info.device]);
  });

  it('follows the platform, and TensorRT must be asked for', () => {
    expect(autoOrder('linux')).toEqual(['cuda', 'webgpu', 'cpu']);
    expect(autoOrder('win32')).toEqual(['cuda', 'directml', 'webgpu', 'cpu']);
    expect(autoOrder('darwin')).toEqual(['coreml', 'webgpu', 'cpu']);
    expect(autoOrder('sunos')).toEqual(['cpu']);
    expect(Object.keys(PROVIDER_NAMES).sort()).toEqual([...DEVICES].sort());
  });
});

describe('obstacles', () => {
  it('name what the package was not built with', () => {
    expect(obstacleTo('directml', machine)).toBe('onnxruntime-node 1.2.3 has no DirectML on linux x64');
    expect(obstacleTo('webgpu', machine)).toBeUndefined();
    expect(obstacleTo('cpu', machine)).toBeUndefined();
  });

  it('keep auto, and auto alone, from asking a software driver', () => {
    expect(onlySoftware('webgpu', machine)).toContain('no GPU is seen here');
    expect(onlySoftware('webgpu', { ...machine, gpuFiles: ['/dev/dri/renderD128'] })).toBeUndefined();
    expect(onlySoftware('webgpu', { ...machine, platform: 'darwin' })).toBeUndefined();
    expect(onlySoftware('cpu', machine)).toBeUndefined();
  });

  it('stop a device that was asked for, with what to do', async () => {
    await expect(chooseDevice('coreml')).rejects.toMatchObject({
      code: 'DEVICE_UNAVAILABLE',
      message: expect.stringMatching(/^expected the device coreml, but onnxruntime-node .* has no CoreML on .*--device cpu/) as string,
    });
    await expect(chooseDevice('abacus' as 'cpu')).rejects.toMatchObject({ code: 'OPTION_INVALID' });
    expect(await chooseDevice('cpu')).toMatchObject({ device: 'cpu', tried: [{ device: 'cpu', used: true }] });
  });
});
