/** A process that answers every line it is given with a line of JSON, so that contestants can take turns and each has its own memory. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { dyingWithUs } from '../../test/support/dies-with-us.ts';

export interface LineProcess<Answer> {
  /** line: without its end. */
  ask(line: string): Promise<Answer>;
  end(): Promise<void>;
}

export function startLineProcess<Answer>(
  program: string,
  args: readonly string[],
  env: Readonly<NodeJS.ProcessEnv> = {},
): LineProcess<Answer> {
  const child = spawn(...dyingWithUs(program, args), { env: { ...process.env, ...env }, stdio: ['pipe', 'pipe', 'inherit'] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const gone = once(child, 'exit');
  child.stdin.on('error', () => undefined); // told by the missing answer
  return {
    async ask(line) {
      child.stdin.write(`${line}\n`);
      const response = await lines.next();
      if (response.done) throw new Error(`${program} ${args.join(' ')} ended without an answer (${String((await gone)[0] ?? 'killed')})`);
      return JSON.parse(response.value) as Answer;
    },
    async end() {
      child.stdin.end();
      await gone;
    },
  };
}
