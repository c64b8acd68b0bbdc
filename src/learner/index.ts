/** `prosam/learner`: trains prompt encoders from what a store holds, gates them, and deploys those that are better. */
export { startLearner } from './learner.ts';
export type { Learner } from './learner.ts';
export { learnOnce } from './learn-once.ts';
export type { LearnerContext, EndState, LearnerEvent, RunOutcome, RunStartEvent } from './types.ts';
export type { LearnerOptions } from './context.ts';
export type { GateMetrics, GatePair } from './gate-decision.ts';
export type { LearnerPolicy } from './policy.ts';
export { LEARNER_DEFAULTS } from './settings.ts';
export type { LearnerSettings, TimeWindow } from './settings.ts';
export type { RunRecord } from '../service/ports/versions.ts';
export type { Storage } from '../service/ports/storage.ts';
