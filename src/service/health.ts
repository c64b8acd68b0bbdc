/** Looks now and then whether the stores take anything, so that a full disk or a bucket that is away shows before somebody's work fails. */
import { messageOf } from '../core/common/errors.ts';
import type { Blobs, Store } from './ports/storage.ts';

/** Part of the service that may fail while the others work. */
export type ServicePart = 'database' | 'objects' | 'engine';

export interface StorageHealth {
  /** Begins a look where the last one is long enough ago and over. Returns at once. */
  look(): void;
  /** Problems that last, by part. */
  problems(): { part: 'database' | 'objects'; problem: string }[];
  /** Resolves when no look is under way. */
  idle(): Promise<void>;
}

export interface StorageHealthParts {
  store: Pick<Store, 'check'>;
  blobs: Pick<Blobs, 'check'>;
  /** Called for every problem once, when it begins. */
  report: (error: unknown, where: string) => void;
  /** @default 10,000 */
  everyMs?: number;
}

const EVERY_MS = 10_000;

export function createStorageHealth({ store, blobs, report, everyMs = EVERY_MS }: StorageHealthParts): StorageHealth {
  const problems = new Map<'database' | 'objects', string>();
  let looking: Promise<void> | undefined;
  let lookedMs = -Infinity;
  const ask = async (part: 'database' | 'objects', check: (() => Promise<void>) | undefined): Promise<void> => {
    try {
      await check?.();
      problems.delete(part);
    } catch (error) {
      if (!problems.has(part)) report(error, part);
      problems.set(part, messageOf(error));
    }
  };
  return {
    look() {
      if (looking !== undefined || performance.now() - lookedMs < everyMs) return;
      lookedMs = performance.now();
      looking = Promise.all([
        ask('database', () => store.check?.() ?? Promise.resolve()),
        ask('objects', () => blobs.check?.() ?? Promise.resolve()),
      ])
        .then(() => undefined)
        .finally(() => (looking = undefined));
    },
    problems: () => [...problems].map(([part, problem]) => ({ part, problem })),
    idle: async () => looking,
  };
}
