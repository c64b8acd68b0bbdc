/** Checks on a GPU machine, in this order, and the requirements of each step. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { DoctorReport } from '../../src/cli/doctor/text.ts';
import type { Command } from './run-step.ts';

export interface Situation {
  /** nvidia-smi lists one. */
  nvidia: boolean;
  /** From `prosam doctor --json`; undefined before it ran, or where it failed. */
  doctor: DoctorReport | undefined;
  /** Folder with expected.json of the full-size models. */
  fullSize: string | undefined;
  /** With `--dry-run` this device stands for the GPU, and nothing is set up or downloaded. */
  standIn: string | undefined;
}

export interface Step {
  name: string;
  /** Longest duration in seconds. */
  seconds: number;
  /** 'setup' prepares; 'gpu' must run on a GPU to count. */
  kind: 'setup' | 'gpu';
  /** Commands of the step, or the reason why it cannot run here. 'broken': the installed part does not work. */
  plan(situation: Situation): { commands: readonly Command[] } | { unavailable: string } | { skipped: string } | { broken: string };
}

const node = (...args: string[]): Command => ({ program: process.execPath, args });
const NO_GPU = 'nvidia-smi lists no GPU';
const SMALL = 'test/golden/small-data';
const SETS = ['test/golden/data', 'test/golden/sam2-data', 'test/golden/dino-data'];

const setup = (name: string, seconds: number, ...commands: (() => Command[])[]): Step => ({
  name,
  seconds,
  kind: 'setup',
  plan: ({ nvidia, standIn }) =>
    standIn !== undefined
      ? { skipped: 'a dry run sets nothing up' }
      : nvidia
        ? { commands: commands.flatMap((make) => make()) }
        : { unavailable: NO_GPU },
});

/** A step on a device that `prosam doctor` found to work. */
const onDevice = (
  name: string,
  device: string,
  seconds: number,
  commands: (device: string, situation: Situation) => Command[] | string,
): Step => ({
  name,
  seconds,
  kind: 'gpu',
  plan(situation) {
    const { standIn } = situation;
    if (standIn !== undefined && device !== 'cuda') return { skipped: `a dry run has one device, ${standIn}` };
    const problem = standIn === undefined ? problemWith(device, situation) : undefined;
    if (problem) return problem;
    const found = commands(standIn ?? device, situation);
    return typeof found === 'string' ? { unavailable: found } : { commands: found };
  },
});

function problemWith(device: string, { doctor, nvidia }: Situation): { unavailable: string } | { broken: string } | undefined {
  const report = doctor?.devices.find((one) => one.device === device);
  if (device === 'cuda' && !nvidia) return { unavailable: NO_GPU };
  if (report === undefined) return { unavailable: doctor ? 'this platform has no such device' : 'prosam doctor gave no report' };
  if (report.state === 'good') return undefined;
  // Slower than the CPU: a software driver is no GPU.
  if (report.state === 'works') return device === 'webgpu' ? { unavailable: report.reason } : undefined;
  return device === 'cuda' ? { broken: report.reason } : { unavailable: report.reason };
}

const golden = (device: string): Step =>
  onDevice(`golden ${device}`, device, 300, (on) =>
    SETS.map((set) => node('tools/golden/run.ts', set, '--device', on, '--engine', 'none')),
  );

const fullSize = (device: string, seconds: number): Step =>
  onDevice(`full size ${device}`, device, seconds, (on, { fullSize: folder, standIn }) => {
    if (folder === undefined) return 'no folder with expected.json of the full-size models: name it with --full-size DIR';
    // One model is enough to prove that the way there is open.
    return [node('tools/golden/full-size.ts', folder, ...(standIn === undefined ? [] : ['vgg16_bn']), '--device', on, '--engine', 'none')];
  });

/** SAM 2.1 tiny at full size: encoder and decoder. */
const sam2 = (device: string): Step => onDevice(`SAM 2 ${device}`, device, 300, (on) => [node('tools/gpu/sam2.ts', 'predict', on)]);

/** The photo model with its own weights: predictions from pictures to masks, against its known answers. */
const small = (device: string): Step =>
  onDevice(`small ${device}`, device, 300, (on) => [node('tools/golden/run.ts', SMALL, '--device', on, '--engine', 'none')]);

/** GF-SAM with the photo model: the mask of the CPU. */
const gfSam = (device: string): Step => onDevice(`gf-sam ${device}`, device, 300, (on) => [node('tools/gpu/gf-sam.ts', on)]);

/** TensorFlow brings a CUDA of its own: it needs the GPU, not ONNX Runtime's provider. command: for a training engine */
const onTrainingEngine = (name: string, commands: (engine: string) => Command[]): Step => ({
  name,
  seconds: 300,
  kind: 'gpu',
  plan: ({ nvidia, standIn }) => {
    if (standIn === undefined && !nvidia) return { unavailable: NO_GPU };
    return { commands: commands(standIn === undefined ? 'node-gpu' : 'wasm') };
  },
});

const TFJS_GPU = '@tensorflow/tfjs-node-gpu';

export const STEPS: readonly Step[] = [
  setup('set up cuda', 420, () => [node('src/cli.ts', 'setup', 'cuda', '--json')]),
  setup(
    'set up training',
    420,
    // An optional package: installed beside the others, and into no package.json.
    () =>
      existsSync(join('node_modules', TFJS_GPU))
        ? []
        : [{ program: 'npm', args: ['install', '--no-save', '--ignore-scripts', `${TFJS_GPU}@4.22.0`] }],
    () => [node('src/cli.ts', 'setup', 'training', '--gpu', '--json')],
  ),
];

export const GPU_STEPS: readonly Step[] = [
  golden('cuda'),
  golden('webgpu'),
  golden('tensorrt'),
  fullSize('cuda', 420),
  fullSize('webgpu', 300),
  sam2('cuda'),
  sam2('webgpu'),
  small('cuda'),
  small('webgpu'),
  gfSam('cuda'),
  gfSam('webgpu'),
  onDevice('bench cuda', 'cuda', 300, () => {
    const { scripts } = JSON.parse(readFileSync('package.json', 'utf8')) as { scripts: Record<string, string> };
    const bench = scripts['bench:inference'];
    return bench === undefined ? 'package.json has no bench:inference' : [{ program: 'npm', args: ['run', '--silent', 'bench:inference'] }];
  }),
  onTrainingEngine('training golden', (engine) =>
    SETS.map((set) => node('tools/golden/run.ts', set, '--engine', engine, '--networks', 'tfjs')),
  ),
  onTrainingEngine('small training', (engine) => [node('tools/golden/run.ts', SMALL, '--engine', engine, '--networks', 'tfjs')]),
  onTrainingEngine('SAM 2 training', (engine) => [node('tools/gpu/sam2.ts', 'train', engine)]),
];
