/** One line a project on what its learner does or waits for, read at most every few seconds, however many ask. */
import { createLruMap } from '../../core/common/lru-map.ts';
import { fitFigures, fitText, type FitStore } from '../ports/fits.ts';
import type { Store } from '../ports/storage.ts';
import type { RunRecord } from '../ports/versions.ts';

export interface LearningLine {
  project: string;
  /** Such as "3 of 8 new masks; next look in 4 min; quiet hours until 06:00; cup fitted on 5 masks: left-out images 0.61 -> 0.66". */
  line: string;
}

export interface LearningLines {
  of(projects: readonly string[]): Promise<LearningLine[]>;
}

export interface LearningLinesParts {
  runs: Pick<Store['runs'], 'list'>;
  /** Numbers fitted to labels. @default none */
  fits?: Pick<FitStore, 'list'>;
  /** Reason why no run starts; undefined: there is none. */
  waitingFor: (project: string) => Promise<string | undefined>;
  now: () => number;
}

/** Projects told of at once: each takes some short queries. */
const MOST = 20;
const KEPT_MS = 5000;
const RUNS = 5;

/** A project whose line cannot be read now has none. */
export function createLearningLines({ runs, fits, waitingFor, now }: LearningLinesParts): LearningLines {
  const kept = createLruMap<string, { atMs: number; line: Promise<string | undefined> }>({ max: 1000 });
  const read = async (project: string): Promise<string> => {
    const [fit] = (await fits?.list(project, 1)) ?? [];
    const line = await runLine(project);
    return fit === undefined ? line : `${line}; ${fit.label} ${fitText(fitFigures(fit.values))}`;
  };
  const runLine = async (project: string): Promise<string> => {
    const running = (await runs.list({ project, limit: RUNS })).find(({ state }) => state === 'running');
    if (running) return progressText(running);
    return (await waitingFor(project)) ?? 'a run is due';
  };
  const lineOf = (project: string): Promise<string | undefined> => {
    const known = kept.get(project);
    if (known && Math.abs(now() - known.atMs) < KEPT_MS) return known.line;
    const line = read(project).catch(() => undefined);
    kept.set(project, { atMs: now(), line });
    return line;
  };
  return {
    async of(projects) {
      const told = await Promise.all(projects.slice(0, MOST).map(async (project) => ({ project, line: await lineOf(project) })));
      return told.flatMap(({ project, line }) => (line === undefined ? [] : [{ project, line }]));
    },
  };
}

/** "learning: step 40 of 200", "testing: 3 of 8 held-out masks" */
export function progressText({ progress }: Pick<RunRecord, 'progress'>): string {
  const { phase, step, steps, done, total, fold } = (progress ?? {}) as Record<string, unknown>;
  if (phase === 'gate' && typeof done === 'number') return `testing: ${done} of ${String(total)} held-out masks`;
  if (typeof step !== 'number') return 'a run begins';
  const part = fold as { number?: unknown; of?: unknown } | undefined;
  return part === undefined
    ? `learning: step ${step} of ${String(steps)}`
    : `testing: learning without some images, ${String(part.number)} of ${String(part.of)}`;
}
