/** A shell that runs the commands of a page as a reader would. */
import { spawn } from 'node:child_process';

export interface BlockResult {
  block: string;
  output: string;
}

const MARK = '--- end of block ---';

/**
 * All blocks in one shell, so that variables and functions of one hold in the next; `setup` runs before the first.
 * Rejects with all output when a command fails.
 */
export async function runBlocks(
  blocks: readonly string[],
  folder: string,
  environment: NodeJS.ProcessEnv = process.env,
  setup = '',
): Promise<BlockResult[]> {
  const script = ['set -euo pipefail', setup, ...blocks.map((block) => `${block}\necho; echo '${MARK}'`)].join('\n');
  const shell = spawn('bash', ['-c', script], { cwd: folder, env: environment, stdio: ['ignore', 'pipe', 'pipe'] });
  const [out, errors]: [Buffer[], Buffer[]] = [[], []];
  shell.stdout.on('data', (piece: Buffer) => out.push(piece));
  shell.stderr.on('data', (piece: Buffer) => errors.push(piece));
  const code = await new Promise<number | null>((resolve) => shell.once('close', resolve));
  const said = Buffer.concat(out).toString();
  if (code !== 0) throw new Error(`the shell ended with ${code}\n${said}\n${Buffer.concat(errors).toString()}`);
  const outputs = said.split(`\n${MARK}\n`);
  return blocks.map((block, i) => ({ block, output: (outputs[i] ?? '').trim() }));
}
