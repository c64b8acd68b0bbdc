/** One step of the check on a GPU machine: a program of its own, with a time of its own. */
import { spawn } from 'node:child_process';
import { groupDyingWithUs } from '../../test/support/dies-with-us.ts';

export type StepState = 'passed' | 'failed' | 'unavailable' | 'skipped';

export interface Command {
  program: string;
  args: readonly string[];
}

export interface ProgramEnd {
  /** -1 when it was ended from outside or could not be started. */
  code: number;
  timedOut: boolean;
  seconds: number;
  stdout: string;
  /** Both streams, as they came. */
  output: string;
}

const MAX_OUTPUT = 1 << 20;

/** Runs a program to its end, or to the end of its time: then everything it started goes with it. */
export function runProgram({ program, args }: Command, timeoutMs: number): Promise<ProgramEnd> {
  const started = performance.now();
  return new Promise((resolve) => {
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], detached: process.platform !== 'win32' });
    groupDyingWithUs(child);
    let output = '';
    let stdout = '';
    let timedOut = false;
    const end = (code: number): void => {
      clearTimeout(timer);
      resolve({ code, timedOut, seconds: Math.round(performance.now() - started) / 1000, stdout, output: output.slice(-MAX_OUTPUT) });
    };
    const kill = (): void => {
      try {
        if (process.platform !== 'win32' && child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
        else child.kill('SIGKILL');
      } catch {
        // It ended by itself in this moment.
      }
    };
    const timer = setTimeout(() => {
      timedOut = true;
      kill();
    }, timeoutMs);
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text: string) => {
        output = (output + text).slice(-2 * MAX_OUTPUT);
        if (stream === child.stdout) stdout = (stdout + text).slice(-2 * MAX_OUTPUT);
      });
    child.once('error', (error) => {
      output += error.message;
      end(-1);
    });
    child.once('close', (code) => end(code ?? -1));
  });
}

/** The numbers of a golden run's last line, "166 passed, 0 failed, 212 skipped". */
export function totalsIn(output: string): { passed: number; failed: number; skipped: number } | undefined {
  const found = [...output.matchAll(/^(\d+) passed, (\d+) failed, (\d+) skipped/gm)].at(-1);
  return found && { passed: Number(found[1]), failed: Number(found[2]), skipped: Number(found[3]) };
}

/** Its last lines that say something. */
export function lastLines(output: string, count = 5): string {
  return output
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
    .slice(-count)
    .join('\n');
}
