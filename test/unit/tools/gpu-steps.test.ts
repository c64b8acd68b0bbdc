/** The plan of the check on a GPU machine, for machines as they are found; and the bounds on its programs. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { DoctorReport } from '../../../src/cli/doctor/text.ts';
import { lastLines, runProgram, totalsIn } from '../../../tools/gpu/run-step.ts';
import { GPU_STEPS, STEPS, type Situation } from '../../../tools/gpu/steps.ts';

function situation(states: Record<string, 'good' | 'works' | 'no'>, rest: Partial<Situation> = {}): Situation {
  const devices = Object.entries(states).map(([device, state]) => ({ device, state, reason: `${device} is ${state}`, auto: true }));
  return { nvidia: true, doctor: { devices } as unknown as DoctorReport, fullSize: 'somewhere', standIn: undefined, ...rest };
}

/** What becomes of each step, in one word. */
const plans = (at: Situation): Record<string, string> =>
  Object.fromEntries([...STEPS, ...GPU_STEPS].map((step) => [step.name, Object.keys(step.plan(at))[0] as string]));

describe('the check on a GPU machine', () => {
  it('claims nothing where there is no GPU', () => {
    const found = plans(situation({ cuda: 'no', webgpu: 'works', tensorrt: 'no' }, { nvidia: false }));
    expect(new Set(Object.values(found))).toEqual(new Set(['unavailable']));
    expect(new Set(Object.values(plans(situation({}, { nvidia: false, doctor: undefined }))))).toEqual(new Set(['unavailable']));
  });

  it('runs everything where everything is there', () => {
    const found = plans(situation({ cuda: 'good', webgpu: 'good', tensorrt: 'good' }));
    const { 'bench cuda': bench, ...others } = found;
    expect(bench).toMatch(/commands|unavailable/);
    expect(new Set(Object.values(others))).toEqual(new Set(['commands']));
  });

  it('fails, not skips, where a GPU is there and CUDA does not work on it', () => {
    const found = plans(situation({ cuda: 'no', webgpu: 'no', tensorrt: 'no' }));
    expect(found).toMatchObject({
      'golden cuda': 'broken',
      'full size cuda': 'broken',
      'SAM 2 cuda': 'broken',
      'small cuda': 'broken',
      'gf-sam cuda': 'broken',
      'golden webgpu': 'unavailable',
      'golden tensorrt': 'unavailable',
    });
    for (const name of ['training golden', 'small training', 'SAM 2 training']) expect(found[name]).toBe('commands');
  });

  it('sets nothing up in a dry run, and runs on the stand-in', () => {
    const at = situation({}, { nvidia: false, standIn: 'cpu' });
    expect(plans(at)).toMatchObject({
      'set up cuda': 'skipped',
      'golden cuda': 'commands',
      'golden webgpu': 'skipped',
      'training golden': 'commands',
      'SAM 2 cuda': 'commands',
      'SAM 2 webgpu': 'skipped',
      'SAM 2 training': 'commands',
      'small cuda': 'commands',
      'small webgpu': 'skipped',
      'small training': 'commands',
    });
    const golden = GPU_STEPS[0]?.plan(at);
    expect(golden && 'commands' in golden && golden.commands[0]?.args).toContain('cpu');
  });

  it('leaves the full-size models out, and says so, where their numbers are not at hand', () => {
    expect(plans(situation({ cuda: 'good', webgpu: 'good' }, { fullSize: undefined }))['full size cuda']).toBe('unavailable');
  });

  it('takes no longer than half an hour, whatever hangs', () => {
    expect(STEPS.reduce((sum, { seconds }) => sum + seconds, 0)).toBeLessThan(25 * 60);
  });
});

describe('a program of the check', () => {
  const node = (text: string) => ({ program: process.execPath, args: ['-e', text] });

  it('ends with its output and its code', async () => {
    const { code, stdout, output, timedOut } = await runProgram(
      node('console.log("out"); console.error("err"); process.exitCode = 3'),
      30_000,
    );
    expect([code, stdout, timedOut]).toEqual([3, 'out\n', false]);
    expect(output).toContain('err');
    expect(await runProgram({ program: 'no-such-program-here', args: [] }, 1000)).toMatchObject({ code: -1 });
  });

  it.skipIf(process.platform === 'win32')('goes with everything it started when its time is over', async () => {
    const parent = node(
      `const c = require('node:child_process').spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'inherit' }); console.log(c.pid); setInterval(() => {}, 1000);`,
    );
    let ended = await runProgram(parent, 1500);
    // Time enough to start the other one.
    for (let ms = 3000; ended.stdout === ''; ms *= 2) ended = await runProgram(parent, ms);
    const { timedOut, stdout } = ended;
    expect(timedOut).toBe(true);
    const child = Number(stdout.trim());
    expect(child).toBeGreaterThan(0);
    await expect.poll(() => isRunning(child)).toBe(false);
  });

  it('is read by its last lines', () => {
    expect(totalsIn('ok a\n12 passed, 1 failed, 3 skipped (without an engine)\n')).toEqual({ passed: 12, failed: 1, skipped: 3 });
    expect(totalsIn('nothing of the kind')).toBeUndefined();
    expect(lastLines('a\n\n b \nc\n', 2)).toBe('b\nc');
  });
});

/** A process that ended but was not yet waited for runs no more. */
function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return process.platform !== 'linux' || !readFileSync(`/proc/${pid}/stat`, 'utf8').includes(') Z ');
  } catch {
    return false;
  }
}
