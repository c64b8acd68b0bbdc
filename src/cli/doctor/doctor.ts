/** `prosam doctor`: what this machine has, which devices work and why not, how long a prediction takes, and what to do. */
import { parseArgs } from 'node:util';
import { isProsamError, messageOf } from '../../core/common/errors.ts';
import { DEVICES } from '../../core/runtime/devices/devices.ts';
import { LEAST_DRIVER } from '../../setup/cuda-wheels.ts';
import { deviceReports, libraryReports, type DeviceReport } from './devices.ts';
import { machineReport, type MachineReport } from './machine.ts';
import { doctorText, type DoctorReport } from './text.ts';
import { timeStages, type TimingReport } from './timing.ts';
import { engineOptions } from '../common/engine-options.ts';
import type { Terminal } from '../common/terminal.ts';
import { EXIT, UsageError, wholeNumber } from '../common/usage.ts';

export const DOCTOR_HELP = `prosam doctor: what this machine has, which devices work, how long a prediction takes, and what to do

  prosam doctor [--model NAME|PATH] [--device DEVICE] [--threads N] [--timeout SECONDS] [--json]

  --model NAME|PATH     what is timed: built-in model or model folder (default: tiny)
  --device DEVICE       where it is timed: auto, ${DEVICES.join(', ')} (default: auto)
  --threads N           CPU threads (default: all cores)
  --timeout SECONDS     for the timed predictions together (default: 300)
  --json                one JSON document on stdout

auto uses the first device that computes the CPU's numbers and is faster than the CPU: on Linux CUDA, then WebGPU; on Windows
CUDA, DirectML, WebGPU; on macOS CoreML, WebGPU. Every device is tried in a process of its own, so that a driver that crashes
or hangs costs nothing but its turn. TensorRT is used only by name: it builds its engines for minutes whenever a model is
opened, wants the libraries of TensorRT 10 for the same CUDA where the system's loader finds them, and then runs beside CUDA.

Exit code: 0 when predictions work, 1 when something that was asked for does not, 2 for a wrong option.

Examples:
  prosam doctor
  prosam doctor --device cuda                 what is missing for the GPU
  prosam doctor --model models/vit-b --threads 8
  prosam doctor --json > doctor.json          to attach to a report
`;

const DEFAULT_TIMEOUT_S = 300;
const NARROWEST = 80;
const WIDEST = 140;

/** -> exit code */
export async function doctor(args: readonly string[], { print, warn, signal }: Terminal): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      model: { type: 'string' },
      device: { type: 'string' },
      threads: { type: 'string' },
      timeout: { type: 'string' },
      json: { type: 'boolean' },
    },
  });
  const options = engineOptions(values);
  const timeout = values.timeout === undefined ? DEFAULT_TIMEOUT_S : wholeNumber('timeout', values.timeout);
  if (timeout < 1) throw new UsageError(`--timeout: expected a number of seconds, at least 1, got ${timeout}.`);

  const machine = await machineReport(options.model ?? 'tiny');
  signal?.throwIfAborted();
  warn('trying the devices');
  const devices = await deviceReports();
  signal?.throwIfAborted();
  const libraries = await libraryReports();
  warn('timing predictions');
  const limit = AbortSignal.any([AbortSignal.timeout(timeout * 1000), ...(signal ? [signal] : [])]);
  const findings: Finding[] = [];
  const timing = await timeStages(options, limit).catch((error: unknown): TimingReport | undefined => {
    signal?.throwIfAborted();
    findings.push(problemOf(error, timeout));
    return undefined;
  });
  const report: DoctorReport = {
    ok: findings.length === 0,
    machine,
    devices,
    libraries,
    ...(timing && { timing }),
    findings: [...findings, ...adviceFor(machine, devices, timing)],
  };
  print(values.json ? JSON.stringify(report) : doctorText(report, columns()));
  // What hangs in a driver keeps its process alive.
  if (limit.aborted) setTimeout(() => process.exit(EXIT.someFailed), 1000).unref();
  return report.ok ? EXIT.ok : EXIT.someFailed;
}

function columns(): number {
  return Math.min(WIDEST, Math.max(NARROWEST, process.stdout.columns || 100));
}

function problemOf(error: unknown, timeout: number): Finding {
  if (error instanceof Error && error.name === 'TimeoutError')
    return problem('predictions', `not done after ${timeout} s`, 'raise --timeout, or use a smaller model or another --device');
  return problem('predictions', `${isProsamError(error) ? `${error.code}: ` : ''}${messageOf(error)}`);
}

/** What this machine has and does not use. */
export function adviceFor(machine: MachineReport, devices: readonly DeviceReport[], timing: TimingReport | undefined): Finding[] {
  const cuda = devices.find(({ device }) => device === 'cuda');
  const software = devices.find(({ device, state }) => device === 'webgpu' && state === 'works');
  return [
    ...(machine.nvidia.length > 0 && cuda?.state === 'no'
      ? [note('CUDA', `there is an NVIDIA GPU, but CUDA is not used: ${cuda.reason}`)]
      : []),
    ...(machine.nvidia.some((line) => driverOf(line) < Number(LEAST_DRIVER))
      ? [note('driver', `NVIDIA's driver is older than ${LEAST_DRIVER}, which CUDA of this ONNX Runtime wants`, 'update it')]
      : []),
    ...(software
      ? [note('WebGPU', 'computes here, but no faster than the CPU', 'name it (--device webgpu) to test with it, not to work with it')]
      : []),
    ...(timing?.device === 'cpu' ? [note('CPU', 'large models want a GPU: on the CPU one image takes seconds')] : []),
  ];
}

/** Of a line of nvidia-smi: name, driver, memory. */
function driverOf(line: string): number {
  return Number.parseInt(line.split(',')[1] ?? '', 10) || Infinity;
}
