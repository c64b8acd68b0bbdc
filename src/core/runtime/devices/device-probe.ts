/** The process that tries a device: what breaks in a driver breaks here. Started by `probe-device.ts`. */
import { isProsamError, messageOf } from '../../common/errors.ts';
import { machineFacts, obstacleTo } from './obstacles.ts';
import { explainFailure } from './explain-failure.ts';
import { DEVICES, type Device } from './devices.ts';
import type { ProbeResult } from './probe-device.ts';
import { probe } from './probe.ts';

async function response(device: Device): Promise<ProbeResult> {
  try {
    const obstacle = obstacleTo(device, await machineFacts());
    return obstacle === undefined ? { metrics: await probe(device) } : { failed: obstacle };
  } catch (error) {
    // What a session could not be made for, without the advice to people who asked for the device.
    return { failed: explainFailure(messageOf(isProsamError(error) ? (error.cause ?? error) : error)) };
  }
}

const device = DEVICES.find((name) => name === process.argv[2]);
if (device === undefined || process.send === undefined) throw new Error('the device probe must be started by prosam, with a device');
// Sent, then gone at once: tearing a driver down may hang.
void response(device).then((found) => process.send?.(found, () => process.exit(0)));
