/** Python, where the machine has it. */
import { execFileSync } from 'node:child_process';
import { dyingWithUs } from './dies-with-us.ts';

export function hasPython(): boolean {
  try {
    execFileSync(...dyingWithUs('python3', ['--version']), { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
