/** A process that takes training steps on demand. */
import { startLineProcess } from '../line-process.ts';

/** Every so many values of a gradient are told. */
export const GRADIENT_STRIDE = 97;

export interface StepResult {
  /** Computing engine. */
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
  step(): Promise<StepResult>;
  end(): Promise<void>;
}

export function startStepProcess(program: string, args: readonly string[], env: Readonly<Record<string, string>>): StepProcess {
  const child = startLineProcess<StepResult>(program, args, env);
  return { step: () => child.ask(''), end: () => child.end() };
}
