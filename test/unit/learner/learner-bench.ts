/** Runs of a learner on a small project, with what they told. */
import { afterEach, beforeAll, beforeEach, expect } from 'vitest';
import type { LearnerSettings } from '../../../src/learner/settings.ts';
import type { RunRecord, VersionRecord } from '../../../src/service/ports/versions.ts';
import type { LearnerEvent, RunOutcome } from '../../../src/learner/types.ts';
import { learnOnce } from '../../../src/learner/learn-once.ts';
import type { LearnerOptions } from '../../../src/learner/context.ts';
import type { TrainingEngine } from '../../../src/training/tfjs/engine.ts';
import { anEngine } from '../training/small-run.ts';
import { PROJECT, smallProject, type SmallProject } from './small-project.ts';

/** For `toMatchObject`: a text with this in it. */
export const textWith = (part: string | RegExp): unknown =>
  typeof part === 'string' ? expect.stringContaining(part) : expect.stringMatching(part);

interface LearnerBench {
  engine: TrainingEngine;
  world: SmallProject;
  events: LearnerEvent[];
}

/** Registers what makes a project before each test and takes it away. */
export function learnerBench() {
  const bench = {} as LearnerBench;
  beforeAll(async () => {
    bench.engine = await anEngine();
  });
  beforeEach(async () => {
    bench.world = await smallProject();
    bench.events = [];
  });
  afterEach(() => bench.world.close());

  const options = (more: Partial<LearnerOptions> = {}): LearnerOptions => ({
    ...{ engine: bench.engine, codeVersion: '0.0.0-test', onEvent: (event) => bench.events.push(event) },
    ...more,
  });
  /** A run now, whatever the policy says. */
  async function learn(settings: Partial<LearnerSettings> = {}, more: Partial<LearnerOptions> = {}): Promise<RunOutcome> {
    const [outcome] = await learnOnce(bench.world.storage, bench.world.settings(settings), {
      ...options(more),
      manual: true,
      projects: [PROJECT],
    });
    return outcome as RunOutcome;
  }
  const runsOf = (): Promise<RunRecord[]> => bench.world.storage.store.runs.list({ project: PROJECT, limit: 10 });
  const versionsOf = (): Promise<VersionRecord[]> => bench.world.storage.store.versions.list({ project: PROJECT, limit: 10 });
  const ofType = <T extends LearnerEvent['type']>(type: T) =>
    bench.events.filter((event): event is Extract<LearnerEvent, { type: T }> => event.type === type);

  return Object.assign(bench, { options, learn, runsOf, versionsOf, ofType });
}
