/** State of a project: labels, references, counts, and the version that the next prediction will carry. */
import type { ProjectInfo } from './types.ts';
import type { Store } from './ports/storage.ts';
import { versionString } from './predict.ts';
import { hashOfSets } from './stored-references.ts';
import type { ReferenceSets } from './references.ts';
import type { Serving } from './serving.ts';

export interface ProjectInfoParts {
  store: Store;
  references: ReferenceSets;
  serving: Serving;
  baseModel: string;
  /** Reason why the learner does not start a run; undefined: there is none. */
  waitingFor: (project: string) => Promise<string | undefined>;
}

/** Runs looked at for the one that is running. */
const RUNS = 5;

export async function projectInfo(
  { store, references, serving, baseModel, waitingFor }: ProjectInfoParts,
  project: string,
): Promise<ProjectInfo> {
  const state = await store.versions.state(project);
  const [labels, counts, runs] = await Promise.all([
    references.labels(project, state.revision),
    store.images.counts(project),
    store.runs.list({ project, limit: RUNS }),
  ]);
  const sets = await Promise.all(labels.map(({ label }) => references.of(project, label, state.revision)));
  const encoderVersion = await serving.use(state, (version) => Promise.resolve(version));
  // After a correction of the clock the newest one need not be the first.
  const run = runs.find(({ state }) => state === 'running') ?? runs[0];
  const waiting = run?.state === 'running' ? undefined : await waitingFor(project);
  return {
    project,
    version: versionString(baseModel, encoderVersion, hashOfSets(sets.filter(({ masks }) => masks.length > 0))),
    encoderVersion,
    ...counts,
    concepts: sets.map(({ label, masks }) => ({
      label,
      masks: labels.find((one) => one.label === label)?.masks ?? 0,
      references: masks.map(({ sha256, provenance, flagged }) => ({ sha256, provenance, flagged })),
    })),
    ...(run && { run }),
    ...(waiting !== undefined && { waitingFor: waiting }),
  };
}
