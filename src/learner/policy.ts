/** Policy of training runs: pure decisions, the same for the learner and for the service, which only shows them. */
import { EVIDENCE_WEIGHTS } from '../service/ports/provenance.ts';

/** Masks of one label that it takes to train on two and test on a third. */
export const MIN_MASKS = 3;

export interface LearnerPolicy {
  /** New masks that start a run, weighted by provenance: an unchanged prediction counts 0.15. @default 8 */
  minNewMasks: number;
  /** Annotated images below which no run starts. @default 6 */
  minImages: number;
  /** Pause after a run, in milliseconds; doubles with every failure in a row, up to a day. @default 600_000 */
  coolDownMs: number;
}

/** Facts that a decision rests on. */
export interface LearnerFacts {
  /** Masks since the last run that learned something, weighted. Counting stops once there are enough. */
  newWeight: number;
  /** The same, unweighted. */
  newMasks: number;
  /** Images somebody has annotated. */
  images: number;
  /** Masks of the label that has most. */
  largestLabel: number;
  /** A run that nobody has ended yet. */
  running?: { id: string; leaseUntilMs?: number };
  /** End of the newest run. */
  lastEndMs?: number;
  /** Failed runs since the last that came to an end. */
  failures: number;
}

export interface DecisionContext {
  nowMs: number;
  /** Whether a person requested it: only conditions that make a run possible at all are checked. */
  manual?: boolean;
  /** The first moment from the given one on at which training is allowed. @default always */
  nextAllowedMs?: (nowMs: number) => number;
}

export type LearnerDecision =
  | { due: true }
  /** waitingFor: for people. checkAgainMs: until then nothing changes but by new annotations. */
  | { due: false; waitingFor: string; checkAgainMs: number };

const DAY_MS = 86_400_000;
/** Time for which a decision holds that only new annotations can change. */
const LOOK_AGAIN_MS = 60_000;

export function decideRun(facts: LearnerFacts, policy: LearnerPolicy, context: DecisionContext): LearnerDecision {
  const { nowMs, manual = false, nextAllowedMs = (ms: number) => ms } = context;
  if (facts.largestLabel < MIN_MASKS) {
    const most = facts.largestLabel === 1 ? '1 image' : `${facts.largestLabel} images`;
    return waiting(`a label marked in ${MIN_MASKS} images (the most frequent one is marked in ${most})`, LOOK_AGAIN_MS);
  }
  if (manual) return { due: true };
  if (facts.images < policy.minImages) return waiting(`${policy.minImages} annotated images (there are ${facts.images})`, LOOK_AGAIN_MS);
  if (facts.newWeight + 1e-9 < policy.minNewMasks) {
    const unchanged = `predictions accepted unchanged count ${EVIDENCE_WEIGHTS.accepted} each`;
    return waiting(`${policy.minNewMasks} new masks (there are ${rounded(facts.newWeight)}; ${unchanged})`, LOOK_AGAIN_MS);
  }
  const pauseMs = pauseAfter(facts, policy) - nowMs;
  if (pauseMs > 0) {
    const why = facts.failures > 0 ? `the pause after ${failed(facts.failures)}` : 'the pause after the last run';
    return waiting(`${why}, for ${duration(pauseMs)} more`, pauseMs);
  }
  const allowedMs = nextAllowedMs(nowMs) - nowMs;
  if (allowedMs > 0) return waiting(`the hours in which training is allowed, in ${duration(allowedMs)}`, Math.min(allowedMs, DAY_MS));
  return { due: true };
}

/** ms since 1970; a failure that comes back must not keep the machine busy. */
function pauseAfter({ lastEndMs, failures }: LearnerFacts, { coolDownMs }: LearnerPolicy): number {
  if (lastEndMs === undefined) return -Infinity;
  return lastEndMs + Math.min(coolDownMs * 2 ** Math.min(failures, 20), Math.max(coolDownMs, DAY_MS));
}

function waiting(waitingFor: string, checkAgainMs: number): LearnerDecision {
  return { due: false, waitingFor, checkAgainMs: Math.ceil(checkAgainMs) };
}

function rounded(value: number): string {
  return String(Math.floor(100 * value + 1e-6) / 100);
}

function failed(failures: number): string {
  return failures === 1 ? 'a failed run' : `${failures} failed runs`;
}

/** 90,000 -> "2 minutes" */
function duration(ms: number): string {
  for (const [unit, length] of [
    ['day', DAY_MS],
    ['hour', 3_600_000],
    ['minute', 60_000],
  ] as const) {
    const count = Math.ceil(ms / length);
    if (ms > length || unit === 'minute') return count === 1 ? `1 ${unit}` : `${count} ${unit}s`;
  }
  return '';
}
