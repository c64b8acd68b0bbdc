/** Report of `prosam doctor` as text: a margin of names, and lines that fit a terminal. */
import { findingText, problemsOf, verdictText, wrapped, type Finding } from '../../core/common/finding.ts';
import { CUDA_MEGABYTES, CUDA_VERSION, MIN_DRIVER } from '../../setup/cuda-wheels.ts';
import type { DeviceReport, LibraryReport } from './devices.ts';
import type { MachineReport } from './machine.ts';
import { STAGES, TIMED_RUNS, type TimingReport } from './timing.ts';

export interface DoctorReport {
  /** Whether every requested part works. */
  ok: boolean;
  machine: MachineReport;
  devices: readonly DeviceReport[];
  libraries: readonly LibraryReport[];
  timing?: TimingReport;
  /** Problems: what does not work although it was asked for. Notes: what could be better. */
  findings: readonly Finding[];
  /** Answers of the external system, where there is one. */
  external?: readonly Finding[];
}

const MARGIN = 20;
const SIGNS = { good: 'good', works: 'works', no: 'no' } as const;

/** Report as text. width: columns of the terminal. */
export function doctorText({ machine, devices, libraries, timing, findings, external }: DoctorReport, width: number): string {
  const entry = (name: string, text: string): string => wrapped(name.padEnd(MARGIN), text, width);
  const { processor, memory } = machine;
  const limit = memory.limit === undefined ? '' : `, limited to ${gigabytes(memory.limit)} here`;
  const instructions = processor.instructions.length > 0 ? `; ${processor.instructions.join(' ')}` : '';
  return [
    'Machine',
    entry('prosam', `${machine.prosam}, ONNX Runtime ${machine.onnxruntime}, Node ${machine.node}, ${machine.system}`),
    entry('processor', `${processor.model}, ${processor.cores} cores${instructions}`),
    entry('memory', `${gigabytes(memory.total)}, ${gigabytes(memory.free)} free${limit}`),
    entry('NVIDIA GPUs', machine.nvidia.length > 0 ? machine.nvidia.join('; ') : 'nvidia-smi lists none'),
    ...(machine.vulkanDrivers.length > 0 ? [entry('Vulkan drivers', machine.vulkanDrivers.join(', '))] : []),
    ...machine.folders.map(({ what, path, exists, free }) =>
      entry(`${what} folder`, `${path}${exists ? '' : ' (not there yet)'}${free === undefined ? '' : `, ${gigabytes(free)} free`}`),
    ),
    '',
    'Devices',
    ...devices.map(({ device, state, auto, reason }) =>
      entry(`${SIGNS[state].padEnd(6)}${device}`, auto ? reason : `${reason} (only by name: --device ${device})`),
    ),
    '',
    'Libraries',
    ...libraries.map(({ what, text }) => entry(what, text)),
    '',
    ...(timing ? timingLines(timing, entry) : []),
    ...(devices.some(({ device, state }) => device === 'cuda' && state === 'no') ? cudaLines(entry) : []),
    ...(external ? ['External', ...external.filter(isNoProblem).map((finding) => findingText(finding, width)), ''] : []),
    'Verdict',
    ...findings.map((finding) => findingText(finding, width)),
    problemsOf(findings).length === 0 ? `Predictions work${timing ? ` on ${timing.device}` : ''}.` : verdictText(findings),
  ].join('\n');
}

/** Problems stand in the verdict. */
function isNoProblem({ state }: Finding): boolean {
  return state !== 'problem';
}

function cudaLines(entry: (name: string, text: string) => string): string[] {
  const size = `${(CUDA_MEGABYTES / 1000).toFixed(1)} GB`;
  return [
    'CUDA',
    entry(
      'with a network',
      `prosam setup cuda (${size} through pip; Linux x64, NVIDIA's driver ${MIN_DRIVER} or newer, CUDA ${CUDA_VERSION})`,
    ),
    entry('without one', 'prosam setup --help prints the pip command for another machine; then prosam setup cuda --from cuda-wheels'),
    '',
  ];
}

function timingLines({ model, device, method, openMs, stages }: TimingReport, entry: (name: string, text: string) => string): string[] {
  const times = STAGES.flatMap((stage) => (stages[stage] === undefined ? [] : [`${stage} ${milliseconds(stages[stage])}`]));
  return [
    'Time',
    entry('model and device', `${model} on ${device}, method ${method}`),
    entry('opening', milliseconds(openMs)),
    entry('stages', `${times.join(', ')} (medians of ${TIMED_RUNS})`),
    '',
  ];
}

function milliseconds(value: number): string {
  return value >= 10_000 ? `${(value / 1000).toFixed(1)} s` : `${value < 10 ? value.toFixed(1) : Math.round(value)} ms`;
}

function gigabytes(bytes: number): string {
  return `${(bytes / 2 ** 30).toFixed(1)} GB`;
}
