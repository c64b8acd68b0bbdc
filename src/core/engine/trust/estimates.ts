/** From evidence to a probability: logistic functions whose numbers were fitted (tools/trust). */
import { sigmoid } from '../methods/sigmoid.ts';
import type { Method } from '../results.ts';
import type { Evidence } from './evidence-numbers.ts';
import { CHOICE, PRESENCE, SCORES, type Numbers, type Term } from './weights.ts';

/** Shares are kept this far from 0 and 1 before their logarithm is taken. */
const LIMIT = 0.02;

/** Expected IoU of the mask where the concept is in the image, 0..1. trained: evidence of the trained method's mask, where it drew one. */
export function scoreOf(method: Method, evidence: Evidence, trained: Evidence | undefined): number {
  return estimate(SCORES[kindOf(method, evidence, trained)], termsOf(evidence, trained));
}

/**
 * Least probability that another mask is better than the trained method's for it to be taken: of the limits tried the one by which no set lost more than a
 * hundredth of IoU to the better of the two methods.
 */
const SURE = 0.7;

/** Weight, in the same logit, of what 'nearest' is ahead by where several references predict each other: 4 to 16 were as good. */
const ON_REFERENCES = 12;

/** Whether to leave the trained method's mask for that of 'nearest'. aheadOnReferences: IoU of 'nearest' less that of the trained method. */
export function leavesTrained(trained: Evidence, other: Evidence, aheadOnReferences = 0): boolean {
  return sigmoid(logitOf(CHOICE, termsOf(trained, trained, other)) + ON_REFERENCES * aheadOnReferences) > SURE;
}

/** Probability that the concept is in the image, 0..1. */
export function presenceOf(evidence: Evidence, trained: Evidence | undefined): number {
  const numbers = PRESENCE[trained === undefined ? 'alone' : 'trained'];
  return estimate(evidence.rival === undefined ? numbers.withoutRivals : numbers.withRivals, termsOf(evidence, trained));
}

/** The trained method's own mask, one beside it, or one without it: drawn by SAM or not. */
function kindOf(method: Method, { samIou }: Evidence, trained: Evidence | undefined): keyof typeof SCORES {
  if (method === 'prosam') return 'trained';
  if (trained !== undefined) return 'beside';
  // Pieces that SAM sees otherwise stay cells, and SAM's word is on some of a mask alone.
  return samIou === undefined || method === 'pieces' ? 'cells' : 'drawn';
}

function termsOf(evidence: Evidence, trained: Evidence | undefined, other?: Evidence): Record<Term, number> {
  const { rival = 0, samIou = 0.5, certainty, ...plain } = evidence;
  return {
    ...plain,
    rival,
    samIou: logit(samIou),
    certainty: logit(certainty),
    trainedSamIou: logit(trained?.samIou ?? 0.5),
    trainedCertainty: logit(trained?.certainty ?? 0.5),
    otherLikenessLead: other?.likenessLead ?? 0,
    otherCertainty: logit(other?.certainty ?? 0.5),
  };
}

function estimate(numbers: Numbers, terms: Record<Term, number>): number {
  return sigmoid(logitOf(numbers, terms));
}

function logitOf({ bias, ...weights }: Numbers, terms: Record<Term, number>): number {
  let sum = bias;
  for (const [name, weight] of Object.entries(weights)) sum += weight * terms[name as Term];
  return sum;
}

function logit(share: number): number {
  const kept = Math.min(1 - LIMIT, Math.max(LIMIT, share));
  return Math.log(kept / (1 - kept));
}
