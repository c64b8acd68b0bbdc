/** The learner for one look, without waiting for anything. */
import type { LearnerSettings } from './settings.ts';
import { considerProject } from './consider-project.ts';
import { fitOnce } from './fitting/fitting.ts';
import { learnerContext, type LearnerOptions } from './context.ts';
import type { LearnerContext, RunOutcome } from './types.ts';
import { tidyEndedRuns } from './run-files.ts';

/** One look at every project: runs what is due and goes on with what was put aside. manual: whatever the policy says. */
export async function learnOnce(
  storage: LearnerContext['storage'],
  settings: LearnerSettings,
  { manual = false, ...options }: LearnerOptions & { manual?: boolean },
): Promise<RunOutcome[]> {
  const context = learnerContext(storage, settings, options);
  await tidyEndedRuns(settings.workDir, storage.store.runs);
  const projects = options.projects ?? (await storage.store.versions.projects()).map(({ project }) => project);
  await fitOnce(context, projects);
  const outcomes: RunOutcome[] = [];
  for (const project of projects) {
    if (context.signal.aborted) break;
    outcomes.push(await considerProject(context, project, { ...options, manual }));
  }
  return outcomes;
}
