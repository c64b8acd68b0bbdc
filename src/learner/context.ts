/** Options of the learner, and their defaults. */
import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import type { LearnerSettings } from './settings.ts';
import { silentLog } from '../service/ports/log.ts';
import type { LoadedEngine } from '../training/train-options.ts';
import type { LearnerContext } from './types.ts';

export interface LearnerOptions extends Partial<Pick<LearnerContext, 'holder' | 'now' | 'log' | 'onEvent' | 'signal' | 'memoryUsed'>> {
  engine: LoadedEngine;
  /** Version of `prosam`, kept with every version. */
  codeVersion: string;
  /** Only these. @default all */
  projects?: readonly string[];
  /** The first moment from the given one on at which a run may begin. @default always */
  nextAllowedMs?: (nowMs: number) => number;
  /** Between two looks at every project. @default 60,000 */
  lookEveryMs?: number;
}

export function learnerContext(
  storage: LearnerContext['storage'],
  settings: LearnerSettings,
  { engine, codeVersion, holder, now, log, onEvent, signal, memoryUsed }: LearnerOptions,
  stopping?: AbortSignal,
): LearnerContext {
  const signals = [signal, stopping].filter((one) => one !== undefined);
  return {
    ...{ storage, settings, engine, codeVersion },
    holder: holder ?? holderName(),
    now: now ?? Date.now,
    log: log ?? silentLog,
    onEvent: onEvent ?? (() => undefined),
    signal: AbortSignal.any(signals),
    memoryUsed: memoryUsed ?? (() => process.memoryUsage.rss()),
  };
}

/** Name of a learner in the store: no two share one. */
function holderName(): string {
  return `${hostname()}:${process.pid}:${randomBytes(4).toString('hex')}`;
}
