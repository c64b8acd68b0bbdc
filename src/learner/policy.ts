/** Policy of training runs: pure decisions, the same for the learner and for the service, which only shows them. */
import { EVIDENCE_WEIGHTS } from '../service/ports/provenance.ts';

/** Masks of one label that it takes to train on two and test on a third. */
export const MIN_MASKS = 3;

export interface LearnerPolicy {
  /** New masks that start a run, weighted by provenance: an unchanged prediction counts 0.15. @default 5 */
  minNewMasks: number;
  /** Annotated images below which no run starts. @default 5 */
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
    return waiting([{ text: `a label marked in ${MIN_MASKS} images (the most frequent one is marked in ${most})` }]);
  }
  if (manual) return { due: true };
  const reasons: Reason[] = [];
  if (facts.images < policy.minImages) reasons.push({ text: `${facts.images} of ${policy.minImages} annotated images` });
  if (facts.newWeight + 1e-9 < policy.minNewMasks) reasons.push({ text: newMasksText(facts, policy) });
  const pauseMs = pauseAfter(facts, policy) - nowMs;
  if (pauseMs > 0) {
    const why = facts.failures > 0 ? ` (a pause after ${failed(facts.failures)})` : '';
    reasons.push({ text: `next look in ${duration(pauseMs)}${why}`, forMs: pauseMs });
  }
  const at = Math.max(nowMs, nowMs + pauseMs);
  const allowedMs = nextAllowedMs(at);
  if (allowedMs > at) reasons.push({ text: `quiet hours until ${clock(allowedMs, nowMs)}`, forMs: Math.min(allowedMs - nowMs, DAY_MS) });
  return reasons.length === 0 ? { due: true } : waiting(reasons);
}

/** "3 of 8 new masks", and where some count less, how much they count. */
function newMasksText({ newWeight, newMasks }: LearnerFacts, { minNewMasks }: LearnerPolicy): string {
  const text = `${rounded(newWeight)} of ${minNewMasks} new masks`;
  const isWeighted = Math.abs(newWeight - newMasks) > 1e-6;
  return isWeighted ? `${text} (${newMasks} accepted; those left as predicted count ${EVIDENCE_WEIGHTS.accepted} each)` : text;
}

/** ms since 1970; a failure that comes back must not keep the machine busy. */
function pauseAfter({ lastEndMs, failures }: LearnerFacts, { coolDownMs }: LearnerPolicy): number {
  if (lastEndMs === undefined) return -Infinity;
  return lastEndMs + Math.min(coolDownMs * 2 ** Math.min(failures, 20), Math.max(coolDownMs, DAY_MS));
}

interface Reason {
  text: string;
  /** Time after which it is over by itself. */
  forMs?: number;
}

/** All of it in one line. Where new annotations may change it, it is looked at again soon. */
function waiting(reasons: readonly Reason[]): LearnerDecision {
  const checkAgainMs = Math.max(...reasons.map(({ forMs = LOOK_AGAIN_MS }) => forMs));
  return { due: false, waitingFor: reasons.map(({ text }) => text).join('; '), checkAgainMs: Math.ceil(checkAgainMs) };
}

function rounded(value: number): string {
  return String(Math.floor(100 * value + 1e-6) / 100);
}

function failed(failures: number): string {
  return failures === 1 ? 'a failed run' : `${failures} failed runs`;
}

/** 90,000 -> "2 min" */
function duration(ms: number): string {
  if (ms > DAY_MS) return `${Math.ceil(ms / DAY_MS)} days`;
  return ms > 3_600_000 ? `${Math.ceil(ms / 3_600_000)} h` : `${Math.ceil(ms / 60_000)} min`;
}

/** Time of day on this machine, with the date where it is not within a day: "06:00", "2026-12-24 06:00". */
function clock(ms: number, nowMs: number): string {
  if (!Number.isFinite(ms)) return 'further notice';
  const date = new Date(ms);
  const two = (value: number): string => String(value).padStart(2, '0');
  const time = `${two(date.getHours())}:${two(date.getMinutes())}`;
  return ms - nowMs < DAY_MS ? time : `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())} ${time}`;
}
