/** State of a project: labels, references, counts, and the version that the next prediction will carry. */
import type { Engine, Method } from '../core/engine/types.ts';
import { LIMITS } from '../core/common/limits.ts';
import { answerVersion } from './answer-version.ts';
import { learningCurves } from './learning/curve.ts';
import { fittedOptions } from './learning/fits.ts';
import type { AskedVersion, ProjectInfo } from './types.ts';
import { fitFigures } from './ports/fits.ts';
import type { Store } from './ports/storage.ts';
import { readingOptions } from './ports/choose-references.ts';
import type { ReferenceSets } from './references.ts';
import type { SeenVersions } from './seen-version.ts';
import type { Serving } from './serving.ts';

export interface ProjectInfoParts {
  store: Store;
  references: ReferenceSets;
  serving: Serving;
  seen: SeenVersions;
  info: Pick<Engine['info'], 'model' | 'precision'>;
  /** Method of requests that name none. @default the engine's */
  method?: Method | undefined;
  /** Reason why the learner does not start a run; undefined: there is none. */
  waitingFor: (project: string) => Promise<string | undefined>;
}

/** Runs looked at for the one that is running. */
const RUNS = 5;
/** Versions whose gates make the curve. */
const VERSIONS = 50;

export async function projectInfo(
  { store, references, serving, seen, info, method, waitingFor }: ProjectInfoParts,
  project: string,
  { labels: wanted, options, form }: AskedVersion = {},
): Promise<ProjectInfo> {
  const state = await store.versions.state(project);
  const [labels, counts, runs, versions] = await Promise.all([
    references.labels(project, state.revision),
    store.images.counts(project),
    store.runs.list({ project, limit: RUNS }),
    store.versions.list({ project, limit: VERSIONS }),
  ]);
  const sets = await Promise.all(labels.map(({ label }) => references.of(project, label, state.revision)));
  const encoderVersion = await serving.use(state, (version) => Promise.resolve(version));
  // After a correction of the clock the newest one need not be the first.
  const run = runs.find(({ state }) => state === 'running') ?? runs[0];
  // Labels without masks take no part in a prediction, and so in no version.
  const found = sets.filter(({ label, masks }) => masks.length > 0 && (wanted?.includes(label) ?? true));
  const together = Math.min(LIMITS.labels, wanted === undefined ? labels.length : new Set(wanted).size);
  const looked = await Promise.all(found.map(({ label }) => references.of(project, label, state.revision, together)));
  const names = looked.map(({ label }) => label).slice(0, LIMITS.labels);
  const without = names.length === 0 ? [] : await references.without(project, names, state.revision);
  const waiting = run?.state === 'running' ? undefined : await waitingFor(project);
  const asks = options?.method ?? method ?? 'auto';
  const reading = readingOptions(
    asks,
    looked.map(({ masks }) => masks.length),
  );
  const fitted = fittedOptions({ info, encoderVersion, method: asks, options, sets: looked });
  const asking = { encoderVersion, method: asks, options: { ...reading, ...fitted, ...options } };
  const known = await seen({ ...asking, labels: looked.map(({ label }) => label) });
  return {
    project,
    version: answerVersion({ model: info.model, sets: looked, without, form, seen: known, ...asking }),
    encoderVersion,
    ...counts,
    concepts: sets.map(({ label, masks, fit }) => ({
      label,
      masks: labels.find((one) => one.label === label)?.masks ?? 0,
      references: masks.map(({ sha256, provenance, flagged }) => ({ sha256, provenance, flagged })),
      ...(fit && { fit: fitFigures(fit.values) }),
    })),
    ...(run && { run }),
    ...(waiting !== undefined && { waitingFor: waiting }),
    curve: learningCurves(versions),
  };
}
