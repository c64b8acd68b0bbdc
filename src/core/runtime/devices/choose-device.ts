/** Choice of the device that computes: the one that was asked for, or the first that proves to be right and faster than the CPU. */
import { ProsamError } from '../../common/errors.ts';
import type { TriedDevice } from '../../engine/types.ts';
import { machineFacts, obstacleTo, onlySoftware, type MachineFacts } from './obstacles.ts';
import { autoOrder, DEVICES, type Device } from './devices.ts';
import { nodeRuntime } from '../node/ort-node.ts';
import { probeDevice, type ProbeResult } from './probe-device.ts';
import type { Runtime } from '../../onnx/session.ts';

export interface ChosenDevice {
  device: Device;
  /** Everything that was looked at, the device in use last. */
  tried: readonly TriedDevice[];
}

/** Inputs of the choice; tests put their own in. */
export interface ChoiceParts {
  order: readonly Device[];
  facts: () => Promise<MachineFacts>;
  obstacle: (device: Device, facts: MachineFacts) => string | undefined;
  probe: (device: Device) => Promise<ProbeResult>;
}

const HERE: ChoiceParts = {
  order: autoOrder(),
  facts: machineFacts,
  obstacle: (device, facts) => onlySoftware(device, facts) ?? obstacleTo(device, facts),
  probe: probeDevice,
};

/** A wrong driver is off by hundredths; single precision summed in another order by less than a ten thousandth. */
const MAX_DIFFERENCE = 1e-3;

let chosen: Promise<ChosenDevice> | undefined;

/**
 * `auto` is decided once per process.
 *
 * @throws DEVICE_UNAVAILABLE where the device that was asked for cannot be used, with the reason and what to do; OPTION_INVALID
 */
export async function chooseDevice(wanted: Device | 'auto' = 'auto'): Promise<ChosenDevice> {
  if (wanted === 'auto')
    return (chosen ??= firstThatProves(HERE).catch((error: unknown) => {
      chosen = undefined;
      throw error;
    }));
  if (!DEVICES.includes(wanted))
    throw new ProsamError('OPTION_INVALID', `device: expected one of auto, ${DEVICES.join(', ')}, got ${JSON.stringify(wanted)}.`);
  const obstacle = wanted === 'cpu' ? undefined : obstacleTo(wanted, await machineFacts());
  if (obstacle !== undefined)
    throw new ProsamError('DEVICE_UNAVAILABLE', `expected the device ${wanted}, but ${obstacle}. --device cpu works everywhere.`);
  return { device: wanted, tried: [{ device: wanted, used: true, reason: 'asked for' }] };
}

/** ONNX Runtime on the chosen device. @throws as `chooseDevice` */
export async function openRuntime({ device = 'auto', threads = 0 }: { device?: Device | 'auto'; threads?: number } = {}): Promise<
  Runtime & { readonly tried: readonly TriedDevice[] }
> {
  const choice = await chooseDevice(device);
  return { ...nodeRuntime({ device: choice.device, threads }), tried: choice.tried };
}

export async function firstThatProves({ order, facts, obstacle, probe }: ChoiceParts): Promise<ChosenDevice> {
  const seen = await facts();
  const tried: TriedDevice[] = [];
  for (const device of order) {
    const reason = obstacle(device, seen);
    const verdict = reason === undefined ? (device === 'cpu' ? ALWAYS : verdictOn(await probe(device))) : { used: false, reason };
    tried.push({ device, ...verdict });
    if (verdict.used) return { device, tried };
  }
  return { device: 'cpu', tried: [...tried, { device: 'cpu', ...ALWAYS }] };
}

const ALWAYS = { used: true, reason: 'works everywhere' };

/** Meaning of a probe's answer for `auto`. */
export function verdictOn(response: ProbeResult): { used: boolean; reason: string } {
  if ('failed' in response) return { used: false, reason: response.failed };
  const { difference, deviceMs, cpuMs } = response.metrics;
  if (!(difference <= MAX_DIFFERENCE))
    return {
      used: false,
      reason: `it computes other numbers than the CPU (off by ${(difference * 100).toPrecision(2)} %): update its driver`,
    };
  const times = `${deviceMs.toPrecision(3)} ms against ${cpuMs.toPrecision(3)} ms for a product of matrices`;
  if (deviceMs >= cpuMs) return { used: false, reason: `slower than the CPU here (${times}), probably a software driver` };
  return { used: true, reason: `agrees with the CPU (to ${difference.toExponential(0)}) and is faster (${times})` };
}
