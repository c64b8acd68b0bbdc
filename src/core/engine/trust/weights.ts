/**
 * Numbers of the estimates, fitted by tools/trust/fit.py on 1828 targets of coco, ccp, animals, carparts, cwfid, ground, scenes with the model `small`: logistic regressions,
 * every set counting alike. What they reach on sets that had no part in the fit stands in docs/concepts/trust.md.
 */

/** Terms of evidence; shares as their logits. */
export type Term =
  | 'certainty'
  | 'coverage'
  | 'found'
  | 'lead'
  | 'likeness'
  | 'likenessLead'
  | 'otherCertainty'
  | 'otherLikenessLead'
  | 'precision'
  | 'relativeSize'
  | 'rival'
  | 'samIou'
  | 'size'
  | 'trainedCertainty'
  | 'trainedSamIou';
export type Numbers = { bias: number } & Partial<Record<Term, number>>;

/** Expected IoU: of the trained method's mask, of one drawn beside it, and without it of one that SAM drew or did not. */
export const SCORES = {
  trained: {
    bias: -0.06,
    samIou: 0.15,
    certainty: 0.542,
    found: -5.112,
    lead: -6.071,
    likeness: 1.485,
    likenessLead: 1.158,
    precision: 2.337,
    coverage: 0.756,
    size: 0.055,
    relativeSize: 0.174,
  },
  beside: {
    bias: -1.396,
    trainedSamIou: 0.114,
    trainedCertainty: 0.013,
    certainty: 0.992,
    lead: 0.824,
    likenessLead: 2.688,
    size: -0.045,
    relativeSize: -0.324,
  },
  drawn: {
    bias: 0.185,
    samIou: 0.159,
    certainty: 0.632,
    found: -4.009,
    lead: -2.24,
    likeness: 1.474,
    likenessLead: 2.329,
    precision: 0.359,
    coverage: 1.113,
    size: 0.185,
    relativeSize: 0.052,
  },
  cells: {
    bias: -1.207,
    certainty: 0.968,
    found: 0.0,
    lead: 0.667,
    likeness: -0.142,
    likenessLead: 3.009,
    size: 0.013,
    relativeSize: -0.353,
  },
} as const satisfies Record<string, Numbers>;

/** Probability that the mask of 'nearest' is better than the trained method's, by the evidence of both. */
export const CHOICE = {
  bias: 0.597,
  samIou: -1.11,
  certainty: -0.887,
  likenessLead: -1.08,
  precision: -5.919,
  coverage: -1.584,
  otherLikenessLead: 10.433,
  otherCertainty: 2.936,
} as const satisfies Numbers;

/** Presence: with the trained method's mask as evidence, or without; with images that do not show the concept, or without. */
export const PRESENCE = {
  trained: {
    withoutRivals: {
      bias: -2.498,
      found: 0.97,
      lead: 10.9,
      likeness: 1.732,
      likenessLead: 0.94,
      precision: -0.354,
      trainedSamIou: -0.119,
      trainedCertainty: 0.276,
    },
    withRivals: {
      bias: -1.403,
      found: 1.701,
      lead: 10.223,
      likeness: 6.361,
      likenessLead: 0.526,
      precision: -0.304,
      trainedSamIou: -0.082,
      trainedCertainty: 0.312,
      rival: -7.188,
    },
  },
  alone: {
    withoutRivals: {
      bias: -3.701,
      found: 4.212,
      lead: 10.808,
      likeness: -0.918,
      likenessLead: 2.449,
      precision: 1.007,
      certainty: -0.07,
    },
    withRivals: {
      bias: -3.941,
      found: 7.085,
      lead: 9.081,
      likeness: 2.028,
      likenessLead: 1.448,
      precision: 2.37,
      certainty: 0.133,
      rival: -6.724,
    },
  },
} as const satisfies Record<string, Record<string, Numbers>>;
