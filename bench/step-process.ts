/** A process that takes training steps on demand, so that contestants can take turns and each has its own memory. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

/** Every so many values of a gradient are told. */
export const GRADIENT_STRIDE = 97;

export interface StepAnswer {
  /** What computes. */
  about: string;
  milliseconds: number;
  /** User and system time of all threads. */
  cpuMilliseconds: number;
  /** Most memory held so far. */
  peakBytes: number;
  loss: number;
  /** By parameter: every GRADIENT_STRIDE-th value. */
  gradients: Record<string, number[]>;
}

export interface StepProcess {
  step(): Promise<StepAnswer>;
  end(): Promise<void>;
}

export function startStepProcess(program: string, args: readonly string[], env: Readonly<Record<string, string>>): StepProcess {
  const child = spawn(program, args, { env: { ...process.env, ...env }, stdio: ['pipe', 'pipe', 'inherit'] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const gone = once(child, 'exit');
  child.stdin.on('error', () => undefined); // told by the missing answer
  return {
    async step() {
      child.stdin.write('\n');
      const line = await lines.next();
      if (line.done) throw new Error(`${program} ${args.join(' ')} ended without an answer (${String((await gone)[0] ?? 'killed')})`);
      return JSON.parse(line.value) as StepAnswer;
    },
    async end() {
      child.stdin.end();
      await gone;
    },
  };
}
