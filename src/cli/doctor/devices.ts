/** Reports of `prosam doctor` on devices, each one probed, on their libraries, and on the training engines. */
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { verdictOn } from '../../core/runtime/devices/choose-device.ts';
import { cudaMajor, wantedLibraries } from '../../core/runtime/devices/cuda-libraries.ts';
import { machineFacts, obstacleTo, onlySoftware } from '../../core/runtime/devices/obstacles.ts';
import { autoOrder, DEVICES, PROVIDER_NAMES, type Device } from '../../core/runtime/devices/devices.ts';
import { probeDevice } from '../../core/runtime/devices/probe-device.ts';
import type { ProbeMetrics } from '../../core/runtime/devices/probe.ts';
import { providerFile } from '../../core/runtime/devices/provider-folder.ts';
import { addonOf, ENGINE_PACKAGES, installedPackages, TRAINING_ENGINES } from '../../training/tfjs/engine-packages.ts';
import { isInstalled } from '../../training/setup/addon.ts';

export interface DeviceReport {
  device: Device;
  /** 'good': right and faster than the CPU; 'works': it computes the right numbers; 'no': it cannot be used. */
  state: 'good' | 'works' | 'no';
  reason: string;
  /** Whether `auto` considers it on this platform. */
  auto: boolean;
  figures?: ProbeMetrics;
}

export interface LibraryReport {
  what: string;
  found: boolean;
  text: string;
}

/** Probes every device that this platform's package knows, each in a separate process and with a time limit. */
export async function deviceReports(): Promise<DeviceReport[]> {
  const facts = await machineFacts();
  const order = autoOrder();
  const known = (device: Device): boolean => order.includes(device) || facts.built.includes(PROVIDER_NAMES[device]);
  const reports: DeviceReport[] = [];
  for (const device of DEVICES.filter(known)) {
    const auto = order.includes(device);
    if (device === 'cpu') {
      reports.push({ device, auto, state: 'works', reason: 'works everywhere' });
      continue;
    }
    const obstacle = obstacleTo(device, facts);
    const response = obstacle === undefined ? await probeDevice(device) : { failed: obstacle };
    const { used, reason } = verdictOn(response);
    const why = used ? undefined : onlySoftware(device, facts);
    const right = 'metrics' in response && !reason.includes('other numbers');
    reports.push({
      device,
      auto,
      state: used ? 'good' : right ? 'works' : 'no',
      reason: why !== undefined && right ? `${reason}; ${why}` : reason,
      ...('metrics' in response && { figures: response.metrics }),
    });
  }
  return reports;
}

/** Libraries on the disk, whether or not they can be used. */
export async function libraryReports(): Promise<LibraryReport[]> {
  const reports: LibraryReport[] = [];
  if (process.platform === 'linux') {
    const provider = providerFile('cuda');
    const folder = provider === undefined ? undefined : dirname(provider);
    const major = provider === undefined ? undefined : cudaMajor(provider);
    reports.push({
      what: 'CUDA provider',
      found: provider !== undefined,
      text: provider === undefined ? 'not installed: prosam setup cuda' : `for CUDA ${major ?? '(unknown)'}, in ${folder ?? ''}`,
    });
    if (provider !== undefined && folder !== undefined) {
      const beside = wantedLibraries(provider).filter((name) => existsSync(join(folder, name)));
      reports.push({
        what: "NVIDIA's libraries",
        found: beside.length > 0,
        text: beside.length > 0 ? beside.join(', ') : "none beside the provider; those of the system's loader count",
      });
    }
  }
  for (const name of TRAINING_ENGINES) {
    const [found] = installedPackages(ENGINE_PACKAGES[name]);
    const what = `training: ${name}`;
    if (found === undefined) {
      if (name !== 'node-gpu')
        reports.push({ what, found: false, text: `${ENGINE_PACKAGES[name]} is not installed (needed to train, not to predict)` });
      continue;
    }
    const ready =
      name === 'wasm' || (addonOf(found.root) !== undefined && (await isInstalled(found.root, name === 'node-gpu' ? 'cuda' : 'cpu')));
    const setUp = `prosam setup training${name === 'node-gpu' ? ' --gpu' : ''}`;
    reports.push({ what, found: ready, text: `${found.name} ${found.version}${ready ? '' : ` is not set up: ${setUp}`}` });
  }
  return reports;
}
