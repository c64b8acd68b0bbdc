/** Commands of a section of a Markdown file, and a shell that runs them as a reader would. */
import { spawn } from 'node:child_process';

/** Blocks fenced as sh between the heading `## title` and the next heading of that rank, in order. */
export function shellBlocks(markdown: string, title: string): string[] {
  const section = new RegExp(`^## ${title}$([\\s\\S]*?)(?=^## |$(?![\\s\\S]))`, 'm').exec(markdown)?.[1] ?? '';
  return [...section.matchAll(/^```sh\n([\s\S]*?)^```$/gm)].map(([, block]) => block as string);
}

export interface BlockResult {
  block: string;
  output: string;
}

const MARK = '--- end of block ---';

/** All blocks in one shell, so that what one sets the next has. Rejects with everything said where a command fails. */
export async function runBlocks(
  blocks: readonly string[],
  folder: string,
  environment: NodeJS.ProcessEnv = process.env,
): Promise<BlockResult[]> {
  const script = ['set -euo pipefail', ...blocks.map((block) => `${block}\necho; echo '${MARK}'`)].join('\n');
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
