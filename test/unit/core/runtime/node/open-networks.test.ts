import { describe, expect, it } from 'vitest';
import { openModel } from '../../../../../src/core/checkpoint/model-folder.ts';
import { ProsamError } from '../../../../../src/core/common/errors.ts';
import { openNetworks } from '../../../../../src/core/runtime/node/open-networks.ts';

const model = await openModel('models/tiny');

/** A device that proved itself, on which this model's networks do not load. */
const open = () =>
  Promise.resolve({
    device: 'webgpu',
    tried: [{ device: 'webgpu', used: true, reason: 'agrees with the CPU' }],
    load: () => Promise.reject(new ProsamError('DEVICE_UNAVAILABLE', 'it lacks an operation')),
  });

describe('a model on a device that cannot run it', () => {
  it('goes to the CPU where auto chose the device, and says why', async () => {
    const { networks, tried } = await openNetworks(model, { device: 'auto', threads: 1, open });
    expect(networks.device).toBe('cpu');
    expect(tried).toEqual([
      { device: 'webgpu', used: false, reason: 'it cannot run this model: it lacks an operation' },
      { device: 'cpu', used: true, reason: 'works everywhere' },
    ]);
    await networks.close();
  });

  it('is refused where the device was asked for', async () => {
    await expect(openNetworks(model, { device: 'webgpu', threads: 1, open })).rejects.toMatchObject({ code: 'DEVICE_UNAVAILABLE' });
  });
});
