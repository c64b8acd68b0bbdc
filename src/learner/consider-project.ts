/** One look at a project: runs what is due, goes on with what was put aside, or says what it waits for. */
import { learnerFacts } from './facts.ts';
import { decideRun, type LearnerDecision } from './policy.ts';
import type { LearnerOptions } from './context.ts';
import type { LearnerContext, RunOutcome } from './types.ts';
import { isHeld } from '../service/ports/versions.ts';
import { runProject } from './run-project.ts';

interface Consideration extends Pick<LearnerOptions, 'nextAllowedMs'> {
  /** Whether a person requested the run: the policy is skipped. */
  manual: boolean;
  /** A run stands in the store. */
  onClaim?: () => void;
}

export async function considerProject(
  context: LearnerContext,
  project: string,
  { manual, nextAllowedMs, onClaim }: Consideration,
): Promise<RunOutcome> {
  const { storage, settings, now, onEvent } = context;
  const facts = await learnerFacts(storage.store, project, settings, now());
  const { running } = facts;
  if (running?.leaseUntilMs !== undefined && isHeld(running, now())) return { state: 'held', untilMs: running.leaseUntilMs };
  // A run that was put aside was due once: it goes on.
  const decision: LearnerDecision = running
    ? { due: true }
    : decideRun(facts, settings, { nowMs: now(), manual, ...(nextAllowedMs && { nextAllowedMs }) });
  const outcome: RunOutcome = decision.due
    ? await runProject(context, project, onClaim)
    : { state: 'waiting', waitingFor: decision.waitingFor };
  if (outcome.state === 'waiting') onEvent({ type: 'waiting', project, waitingFor: outcome.waitingFor });
  return outcome;
}
