/** Pages of the docs that a program makes: written, or with --check on the command line compared with what is checked in. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';

/** Writes a page; with --check, says what to run and ends with exit code 1 where the file differs from it. */
export function makePage(path: string, text: string, command: string): void {
  if (!process.argv.includes('--check')) {
    writeFileSync(path, text);
    return;
  }
  if (existsSync(path) && readFileSync(path, 'utf8') === text) return;
  console.error(`${path} is not what its sources make: run ${command} and commit what it writes.`);
  process.exitCode = 1;
}
