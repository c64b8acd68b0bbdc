/** `prosam doctor`: hardware of this machine, devices that work and why others do not, times of a prediction, and advice. */
import { DEFAULT_MODEL } from '../../core/engine/defaults.ts';
import { note, problem, type Finding } from '../../core/common/finding.ts';
import { isProsamError, messageOf } from '../../core/common/errors.ts';
import { loadSharp } from '../../core/image/node/load-sharp.ts';
import { onnxRuntime } from '../../core/runtime/node/load-onnx-runtime.ts';
import { MIN_DRIVER } from '../../setup/cuda-wheels.ts';
import { checkExternal } from '../../external/conformance.ts';
import { deviceReports, libraryReports, type DeviceReport } from './devices.ts';
import { machineReport, type MachineReport } from './machine.ts';
import { doctorText, type DoctorReport } from './text.ts';
import { timeStages, type TimingReport } from './timing.ts';
import { engineOptions } from '../common/engine-options.ts';
import { EXIT, type Terminal } from '../common/command.ts';
import { parseCommand } from '../common/parse.ts';
import { DOCTOR } from './spec.ts';

const MIN_COLUMNS = 80;
const MAX_COLUMNS = 140;

/** Resolves to the exit code. */
export async function doctor(args: readonly string[], { print, warn, signal }: Terminal): Promise<number> {
  const { values } = parseCommand(DOCTOR, args);
  const { timeout } = values;
  const { external, ...options } = engineOptions(values);

  const machine = await machineReport(options.model ?? DEFAULT_MODEL);
  signal?.throwIfAborted();
  const findings = await packageFindings();
  const isBroken = findings.length > 0;
  warn('trying the devices');
  const devices = await deviceReports().catch(told(findings, 'devices', []));
  signal?.throwIfAborted();
  const libraries = await libraryReports().catch(told(findings, 'libraries', []));
  const limit = AbortSignal.any([AbortSignal.timeout(timeout * 1000), ...(signal ? [signal] : [])]);
  // Without its libraries a prediction would fail the same way.
  if (!isBroken) warn('timing predictions');
  const timing = await (isBroken ? Promise.resolve(undefined) : timeStages(options, limit)).catch(
    (error: unknown): TimingReport | undefined => {
      signal?.throwIfAborted();
      findings.push(problemOf(error, timeout));
      return undefined;
    },
  );
  if (external) warn(`asking ${external.place}`);
  const asked = external ? await checkExternal(external, signal) : [];
  findings.push(...asked.filter(({ state }) => state === 'problem'));
  const report: DoctorReport = {
    ok: findings.length === 0,
    machine,
    devices,
    libraries,
    ...(timing && { timing }),
    findings: [...findings, ...adviceFor(machine, devices, timing)],
    ...(asked.length > 0 && { external: asked }),
  };
  print(values.json ? JSON.stringify(report) : doctorText(report, columns()));
  // A hanging driver keeps its process alive.
  if (limit.aborted) setTimeout(() => process.exit(EXIT.someFailed), 1000).unref();
  return report.ok ? EXIT.ok : EXIT.someFailed;
}

/** Compiled packages that cannot be loaded here: whatever else is wrong, these are named. */
async function packageFindings(): Promise<Finding[]> {
  const findings: Finding[] = [];
  await loadSharp().catch(told(findings, 'sharp', undefined));
  await onnxRuntime().catch(told(findings, 'onnxruntime-node', undefined));
  return findings;
}

/** Keeps what failed as a problem, unless it is known, and goes on with something else. */
function told<T>(findings: Finding[], about: string, instead: T): (error: unknown) => T {
  return (error) => {
    const found = `${isProsamError(error) ? `${error.code}: ` : ''}${messageOf(error)}`;
    if (!findings.some((one) => one.found === found)) findings.push(problem(about, found));
    return instead;
  };
}

function columns(): number {
  return Math.min(MAX_COLUMNS, Math.max(MIN_COLUMNS, process.stdout.columns || 100));
}

function problemOf(error: unknown, timeout: number): Finding {
  if (error instanceof Error && error.name === 'TimeoutError')
    return problem('predictions', `not done after ${timeout} s`, 'raise --timeout, or use a smaller model or another --device');
  return problem('predictions', `${isProsamError(error) ? `${error.code}: ` : ''}${messageOf(error)}`);
}

/** Hardware of this machine that is not used, with the reason. */
export function adviceFor(machine: MachineReport, devices: readonly DeviceReport[], timing: TimingReport | undefined): Finding[] {
  const cuda = devices.find(({ device }) => device === 'cuda');
  const software = devices.find(({ device, state }) => device === 'webgpu' && state === 'works');
  return [
    ...(machine.nvidia.length > 0 && cuda?.state === 'no'
      ? [note('CUDA', `there is an NVIDIA GPU, but CUDA is not used: ${cuda.reason}`)]
      : []),
    ...(machine.nvidia.some((line) => driverOf(line) < Number(MIN_DRIVER))
      ? [note('driver', `NVIDIA's driver is older than ${MIN_DRIVER}, which CUDA of this ONNX Runtime wants`, 'update it')]
      : []),
    ...(software
      ? [note('WebGPU', 'computes here, but no faster than the CPU', 'name it (--device webgpu) to test with it, not to work with it')]
      : []),
    ...(timing?.device === 'cpu' ? [note('CPU', 'large models want a GPU: on the CPU one image takes seconds')] : []),
  ];
}

/** Major version of the driver in a line of nvidia-smi: name, driver, memory. */
function driverOf(line: string): number {
  return Number.parseInt(line.split(',')[1] ?? '', 10) || Infinity;
}
