/**
 * Everything that only a real GPU can show, in one command on a machine that has nothing but the driver and this checkout:
 *   npm run check:gpu -- [--out FILE] [--full-size DIR] [--minutes N] [--dry-run --device cpu]
 * Sets up CUDA and the training engine, then runs golden cases, full-size models (SAM 2.1 among them), the photo model, the benchmark and training on
 * what is there. Every step has a process and a time of its own; a step that fails stops no other. Writes one JSON and prints a table.
 * Exit code: 0 all that could run passed, 1 something failed, 2 wrong use, 3 there is no GPU to check.
 * --dry-run: the device named by --device stands for the GPU; nothing is set up.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { DoctorReport } from '../../src/cli/doctor/text.ts';
import { textTable } from '../../src/cli/common/text-table.ts';
import { messageOf } from '../../src/core/common/errors.ts';
import { lastLines, runProgram, totalsIn, type StepState } from './run-step.ts';
import { GPU_STEPS, STEPS, type Situation, type Step } from './steps.ts';

interface StepResult {
  name: string;
  kind: Step['kind'];
  state: StepState;
  reason?: string;
  seconds: number;
  totals?: { passed: number; failed: number; skipped: number };
  /** Its last lines. */
  output?: string;
}

const FULL_SIZE_PLACES = ['test/golden/full-size', 'shared/golden/full-size', '../shared/golden/full-size'];
const DEFAULT_MINUTES = 25;
const DOCTOR_SECONDS = 180;
const MIN_SECONDS = 5;

async function check(
  values: { out: string; 'full-size'?: string | undefined; minutes: string },
  standIn: string | undefined,
): Promise<number> {
  const started = performance.now();
  const minutes = Number(values.minutes);
  if (!(minutes > 0)) throw new Error(`--minutes: expected a number above 0, got ${values.minutes}`);
  const secondsLeft = (): number => minutes * 60 - (performance.now() - started) / 1000;
  const fullSize = [values['full-size'], ...FULL_SIZE_PLACES].find(
    (place) => place !== undefined && existsSync(join(place, 'expected.json')),
  );
  const situation: Situation = { nvidia: nvidiaSmi() !== undefined, doctor: undefined, fullSize, standIn };
  const results: StepResult[] = [];
  const run = async (step: Step): Promise<void> => {
    const found = await runStep(step, situation, secondsLeft());
    const result = standIn === undefined ? found : { ...found, name: `${found.name}, played by ${standIn}` };
    results.push(result);
    console.error(
      `${result.state.padEnd(11)} ${result.name} (${result.seconds} s)${result.reason === undefined ? '' : `: ${result.reason}`}`,
    );
  };

  for (const step of STEPS) await run(step);
  situation.doctor = await doctor(Math.min(DOCTOR_SECONDS, secondsLeft()));
  for (const step of GPU_STEPS) await run(step);

  const counts = { passed: 0, failed: 0, unavailable: 0, skipped: 0 };
  for (const { state } of results) counts[state]++;
  const ran = results.some(({ kind, state }) => kind === 'gpu' && (state === 'passed' || state === 'failed'));
  const report = {
    ok: counts.failed === 0 && ran && standIn === undefined,
    dryRun: standIn !== undefined,
    ...(standIn !== undefined && { standIn }),
    date: new Date().toISOString(),
    commit: commit(),
    nvidia: nvidiaSmi() ?? [],
    machine: situation.doctor?.machine,
    devices: situation.doctor?.devices,
    timing: situation.doctor?.timing,
    steps: results,
    counts,
    seconds: Math.round((performance.now() - started) / 1000),
  };
  writeFileSync(values.out, `${JSON.stringify(report, undefined, 1)}\n`);
  console.log(tableOf(results));
  console.log(
    `\n${counts.passed} passed, ${counts.failed} failed, ${counts.unavailable} unavailable, ${counts.skipped} skipped in ${report.seconds} s; ${values.out}`,
  );
  if (standIn !== undefined) console.log(`A dry run: ${standIn} stood for the GPU, which nothing was shown about.`);
  return counts.failed > 0 ? 1 : ran ? 0 : 3;
}

async function runStep(step: Step, situation: Situation, secondsLeft: number): Promise<StepResult> {
  const plan = step.plan(situation);
  const { name, kind } = step;
  if ('unavailable' in plan) return { name, kind, state: 'unavailable', reason: plan.unavailable, seconds: 0 };
  if ('skipped' in plan) return { name, kind, state: 'skipped', reason: plan.skipped, seconds: 0 };
  if ('broken' in plan) return { name, kind, state: 'failed', reason: plan.broken, seconds: 0 };
  if (secondsLeft < MIN_SECONDS) return { name, kind, state: 'skipped', reason: 'no time is left', seconds: 0 };
  const limit = Math.min(step.seconds, secondsLeft);
  let seconds = 0;
  let output = '';
  for (const command of plan.commands) {
    const end = await runProgram(command, Math.max(1, limit - seconds) * 1000);
    seconds = Math.round((seconds + end.seconds) * 10) / 10;
    output += end.output;
    const totals = totalsIn(end.output);
    const common = { name, kind, seconds, ...(totals && { totals }), output: lastLines(output) };
    if (end.timedOut) return { ...common, state: 'failed', reason: `not done after ${Math.round(limit)} s` };
    if (end.code !== 0) return { ...common, state: 'failed', reason: lastLines(end.output, 1) };
    if (totals?.passed === 0) return { ...common, state: 'failed', reason: 'nothing was compared' };
  }
  const totals = totalsIn(output);
  return { name, kind, state: 'passed', seconds, ...(totals && { totals }), output: lastLines(output) };
}

async function doctor(seconds: number): Promise<DoctorReport | undefined> {
  const { stdout } = await runProgram({ program: process.execPath, args: ['src/cli.ts', 'doctor', '--json'] }, seconds * 1000);
  try {
    return JSON.parse(stdout) as DoctorReport;
  } catch {
    return undefined;
  }
}

/** Name, driver and memory of every NVIDIA GPU. */
function nvidiaSmi(): string[] | undefined {
  try {
    const args = ['--query-gpu=name,driver_version,memory.total', '--format=csv,noheader'];
    const text = execFileSync('nvidia-smi', args, { encoding: 'utf8', timeout: 10_000, stdio: ['ignore', 'pipe', 'ignore'] }).trim();
    return text === '' ? undefined : text.split('\n');
  } catch {
    return undefined;
  }
}

function commit(): string | undefined {
  try {
    return execFileSync('git', ['rev-parse', 'HEAD'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
  } catch {
    return undefined;
  }
}

function tableOf(results: readonly StepResult[]): string {
  const rows = results.map(({ name, state, seconds, totals, reason }) => [
    name,
    state,
    seconds.toFixed(1),
    totals === undefined ? '' : `${totals.passed} of ${totals.passed + totals.failed}`,
    reason === undefined ? '' : reason.length > 90 ? `${reason.slice(0, 87)}...` : reason,
  ]);
  return textTable({ head: ['step', 'state', 'seconds', 'outputs', 'why'], rows });
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      out: { type: 'string', default: 'check-gpu.json' },
      'full-size': { type: 'string' },
      minutes: { type: 'string', default: String(DEFAULT_MINUTES) },
      'dry-run': { type: 'boolean', default: false },
      device: { type: 'string' },
    },
  });
  if (values['dry-run'] !== (values.device !== undefined))
    throw new Error('--dry-run and --device go together: the device stands for the GPU');
  return check(values, values.device);
}

process.exitCode = await main().catch((error: unknown) => {
  console.error(
    `${messageOf(error)}\nusage: npm run check:gpu -- [--out FILE] [--full-size DIR] [--minutes N] [--dry-run --device DEVICE]`,
  );
  return 2;
});
