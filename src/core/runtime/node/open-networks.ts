/** A model's networks on the device that is to compute them. */
import type { Model } from '../../checkpoint/model-folder.ts';
import { isProsamError } from '../../common/errors.ts';
import type { TriedDevice } from '../../engine/types.ts';
import { openRuntime } from '../devices/choose-device.ts';
import type { Device } from '../devices/devices.ts';
import { createNetworks, type Networks } from '../../onnx/networks.ts';
import { nodeRuntime } from './ort-node.ts';
import type { Precision } from '../../onnx/precision.ts';
import type { Runtime } from '../../onnx/session.ts';
import { watchedRuntime, type Watch } from '../worker/watched-runtime.ts';

export interface NetworkPlace {
  device: Device | 'auto';
  threads: number;
  /** @default 'fp32' */
  precision?: Precision;
  watch?: Watch | undefined;
  /** @default openRuntime */
  open?: typeof openRuntime;
}

/**
 * The image encoder's session is made, which proves the device. One that `auto` chose and that cannot run this very model gives way
 * to the CPU; one that was asked for does not.
 *
 * @throws DEVICE_UNAVAILABLE, OPTION_INVALID, ENGINE_FAILED
 */
export async function openNetworks(
  model: Model,
  { device, threads, precision = 'fp32', watch, open = openRuntime }: NetworkPlace,
): Promise<{ networks: Networks; tried: readonly TriedDevice[] }> {
  const networksOn = async (runtime: Runtime): Promise<Networks> => {
    const networks = createNetworks(model, watch ? watchedRuntime(runtime, watch) : runtime, { precision });
    await networks.warmUp();
    return networks;
  };
  const runtime = await open({ device, threads });
  try {
    return { networks: await networksOn(runtime), tried: runtime.tried };
  } catch (error) {
    if (device !== 'auto' || runtime.device === 'cpu' || !isProsamError(error)) throw error;
    const tried = runtime.tried.map((one) =>
      one.used ? { ...one, used: false, reason: `it cannot run this model: ${error.message}` } : one,
    );
    const networks = await networksOn(nodeRuntime({ threads }));
    return { networks, tried: [...tried, { device: 'cpu', used: true, reason: 'works everywhere' }] };
  }
}
