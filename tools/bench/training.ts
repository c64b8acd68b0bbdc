/**
 * Cost of a training step:
 *   npm run bench:training -- [--engine auto|node-gpu|node|wasm] [--rounds N] [--threads N] [--pytorch PYTHON]
 * The full-size step: SAM ViT-B's decoder, a prompt encoder on ResNet-50's maps, one pair, K = 10 samples; forward, backward,
 * AdamW; frozen features at hand. --pytorch names a Python with PyTorch, which then takes turns with ours on the same numbers.
 * Each entry is a process of its own. Numbers are medians; machines differ, so compare ratios. On a busy machine the CPU time (all
 * threads) tells more than the time on the clock.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { SAM_VIT_B } from '../../src/core/networks/config.ts';
import { chunkFor } from '../../src/training/step/prompt-decoder.ts';
import { median } from './median.ts';
import { PYTORCH_ENVIRONMENT } from './pytorch/environment.ts';
import { GRADIENT_STRIDE, startStepProcess, type StepResult, type StepProcess } from './training-runs/step-process.ts';
import type { EpochsResponse } from './training-runs/training-epochs.ts';
import { writeStepInputs } from './training-runs/training-inputs.ts';
import { dyingWithUs } from '../../test/support/dies-with-us.ts';

const { values } = parseArgs({
  options: {
    engine: { type: 'string', default: 'auto' },
    rounds: { type: 'string', default: '5' },
    threads: { type: 'string', default: String(Math.min(2, cpus().length)) },
    pytorch: { type: 'string' },
  },
});
const rounds = Number(values.rounds);
const SAMPLES = 10;
/** Prompt sets PyTorch decodes at once: all, which is how one writes it, and fewer, which spares memory and caches. */
const PYTORCH_CHUNKS = [SAMPLES, 5, 2];
interface Contestant {
  name: string;
  process: StepProcess;
  responses: StepResult[];
}

interface Figures {
  name: string;
  milliseconds: number;
  cpuMilliseconds: number;
  peakBytes: number;
}

function row(what: string, figure: string, note = ''): void {
  console.log(`${what.padEnd(58)} ${figure.padStart(12)}  ${note}`.trimEnd());
}
const seconds = (milliseconds: number): string => `${(milliseconds / 1000).toFixed(2)} s`;
const gigabytes = (bytes: number): string => `${(bytes / 1e9).toFixed(2)} GB`;

/** The first step is not timed: it brings memory and kernels up. Its numbers are compared. */
function metricsOf({ name, responses }: Contestant): Figures {
  const timed = responses.slice(1);
  return {
    name,
    milliseconds: median(timed.map((response) => response.milliseconds)),
    cpuMilliseconds: median(timed.map((response) => response.cpuMilliseconds)),
    peakBytes: Math.max(...responses.map((response) => response.peakBytes)),
  };
}

async function takeTurns(contestants: readonly Contestant[]): Promise<void> {
  try {
    for (let round = 0; round <= rounds; round++) {
      for (const { process, responses } of contestants) responses.push(await process.step());
    }
  } finally {
    await Promise.all(contestants.map(({ process }) => process.end()));
  }
}

/** Largest deviation as a share of the tensor's largest value. */
function deviation(ours: readonly number[], theirs: readonly number[]): number {
  const scale = Math.max(...theirs.map(Math.abs));
  return Math.max(...ours.map((value, i) => Math.abs(value - (theirs[i] as number)))) / scale;
}

/** @throws Error where they do not compute the same */
function sameNumbers(ours: StepResult, theirs: StepResult): void {
  const worst = Object.keys(theirs.gradients)
    .map((name) => ({ name, off: deviation(ours.gradients[name] as number[], theirs.gradients[name] as number[]) }))
    .reduce((a, b) => (a.off > b.off ? a : b));
  console.log(`loss of the first step: ours ${ours.loss.toFixed(6)}, PyTorch ${theirs.loss.toFixed(6)}`);
  console.log(`gradients: at most ${worst.off.toExponential(1)} of a tensor's largest value apart (${worst.name})`);
  if (!(Math.abs(ours.loss - theirs.loss) < 1e-4) || !(worst.off < 5e-3)) throw new Error('the contestants do not compute the same');
}

async function fullSize(folder: string): Promise<void> {
  const inputs = join(folder, 'inputs.safetensors');
  writeStepInputs(inputs, SAMPLES);
  const chunk = chunkFor(SAM_VIT_B);
  const ours = {
    name: `ours, ${chunk} prompt sets at a time`,
    process: startStepProcess(process.execPath, ['tools/bench/training-runs/training-step.ts', inputs, String(chunk), values.engine], {}),
    responses: [],
  };
  const python = values.pytorch;
  const others = (python === undefined ? [] : PYTORCH_CHUNKS).map((sets): Contestant => {
    const args = ['tools/bench/pytorch/training.py', inputs, String(sets), values.threads, String(GRADIENT_STRIDE)];
    return { name: `PyTorch, ${sets} at a time`, process: startStepProcess(python as string, args, PYTORCH_ENVIRONMENT), responses: [] };
  });
  const all: Contestant[] = [ours, ...others];
  await takeTurns(all);
  const [own, ...rest] = all.map(metricsOf) as [Figures, ...Figures[]];
  console.log(
    (all.map(({ responses }) => responses[0]?.about) as string[]).filter((about, i, list) => list.indexOf(about) === i).join('; '),
  );
  for (const { name, milliseconds, cpuMilliseconds, peakBytes } of [own, ...rest])
    row(name, seconds(milliseconds), `CPU ${seconds(cpuMilliseconds)}, peak memory ${gigabytes(peakBytes)}`);
  row('peak memory of ours', gigabytes(own.peakBytes), 'wanted under 2.5 GB');
  if (others[0] === undefined) {
    console.log('(PyTorch was not timed: name a Python that has it with --pytorch)');
    return;
  }
  const fastest = rest.reduce((a, b) => (a.milliseconds < b.milliseconds ? a : b));
  for (const [what, key, wanted] of [
    ['time', 'milliseconds', '1.1'],
    ['CPU time', 'cpuMilliseconds', '1.1'],
    ['peak memory', 'peakBytes', '1.0'],
  ] as const)
    row(`${what}: ours to PyTorch's fastest`, (own[key] / fastest[key]).toFixed(2), `wanted at most ${wanted} (${fastest.name})`);
  sameNumbers(all[0]?.responses[0] as StepResult, others[0].responses[0] as StepResult);
}

function builtInModel(folder: string): void {
  for (const [batch, samples] of [
    ['2', '10'],
    ['4', '4'],
  ] as const) {
    const args = ['tools/bench/training-runs/training-epochs.ts', folder, batch, samples, values.engine];
    const { epochs } = JSON.parse(
      execFileSync(...dyingWithUs(process.execPath, args), { stdio: ['ignore', 'pipe', 'inherit'] }).toString(),
    ) as EpochsResponse;
    for (const [i, { steps, milliseconds, frozenShare }] of epochs.entries())
      row(
        `built-in model, batch ${batch}, K = ${samples}, epoch ${i + 1} (${steps} steps)`,
        `${milliseconds.toFixed(0)} ms`,
        `frozen networks ${(100 * frozenShare).toFixed(1)} %${i > 0 ? ', wanted 0' : ''}`,
      );
  }
}

console.log(`${values.threads} threads for PyTorch, Node ${process.version}, ${process.platform} ${process.arch}`);
const folder = mkdtempSync(join(tmpdir(), 'prosam-bench-'));
try {
  await fullSize(folder);
  builtInModel(folder);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
