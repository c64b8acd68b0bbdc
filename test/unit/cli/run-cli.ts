/** Runs the command line from source, as a user would type it. */
import { execFile } from 'node:child_process';
import { resolve } from 'node:path';
import { dyingWithUs } from '../../support/dies-with-us.ts';

const CLI = resolve('src/cli.ts');

export interface CliResult {
  code: number;
  stdout: string;
  stderr: string;
}

export function runCli(args: readonly string[], cwd: string): Promise<CliResult> {
  return new Promise((done) => {
    execFile(...dyingWithUs(process.execPath, [CLI, ...args]), { cwd, maxBuffer: 1 << 26 }, (error, stdout, stderr) => {
      const code = error === null ? 0 : typeof error.code === 'number' ? error.code : -1;
      done({ code, stdout, stderr });
    });
  });
}

/** Lines of JSON on stdout. */
export function jsonLines(stdout: string): Record<string, unknown>[] {
  return stdout
    .trim()
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}
