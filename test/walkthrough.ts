/** A shell that runs the commands of a page as a reader would. */
import { spawn } from 'node:child_process';
import { dyingWithUs, groupDyingWithUs } from './support/dies-with-us.ts';

export interface BlockResult {
  block: string;
  output: string;
}

const MARK = '--- end of block ---';

export interface ShellOptions {
  /** Script that runs before the first block. */
  setup?: string;
  /** Ends the shell and all it has started. */
  signal?: AbortSignal;
}

/**
 * All blocks in one shell, so that variables and functions of one hold in the next. The shell ends with this process.
 * Rejects with all output when a command fails.
 */
export async function runBlocks(
  blocks: readonly string[],
  folder: string,
  { setup = '', signal }: ShellOptions = {},
): Promise<BlockResult[]> {
  // With the model readers get, not that of the other tests.
  const script = ['set -euo pipefail', 'unset PROSAM_MODEL', setup, ...blocks.map((block) => `${block}\necho; echo '${MARK}'`)].join('\n');
  const shell = spawn(...dyingWithUs('bash', ['-c', script]), { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'], detached: true });
  groupDyingWithUs(shell);
  signal?.addEventListener('abort', () => {
    if (shell.pid !== undefined && shell.exitCode === null) process.kill(-shell.pid, 'SIGKILL');
  });
  const [out, errors]: [Buffer[], Buffer[]] = [[], []];
  shell.stdout.on('data', (piece: Buffer) => out.push(piece));
  shell.stderr.on('data', (piece: Buffer) => errors.push(piece));
  const code = await new Promise<number | null>((resolve) => shell.once('close', resolve));
  const said = Buffer.concat(out).toString();
  if (code !== 0) throw new Error(`the shell ended with ${code}\n${said}\n${Buffer.concat(errors).toString()}`);
  const outputs = said.split(`\n${MARK}\n`);
  return blocks.map((block, i) => ({ block, output: (outputs[i] ?? '').trim() }));
}
