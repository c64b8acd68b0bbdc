/**
 * Numbers of the estimates, fitted by tools/trust/fit.py on 1188 targets of coco, ccp, animals, carparts, cwfid, ground, scenes with the model `small`: logistic regressions,
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
    bias: 0.043,
    samIou: 0.147,
    certainty: 0.582,
    found: -4.145,
    lead: -5.965,
    likeness: 1.043,
    likenessLead: 1.176,
    precision: 1.857,
    coverage: 0.757,
    size: 0.087,
    relativeSize: 0.124,
  },
  beside: {
    bias: -1.583,
    trainedSamIou: 0.142,
    trainedCertainty: 0.013,
    certainty: 0.908,
    lead: 1.903,
    likenessLead: 2.336,
    size: -0.055,
    relativeSize: -0.266,
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
    bias: -1.314,
    certainty: 0.888,
    found: -1.288,
    lead: 2.223,
    likeness: 0.496,
    likenessLead: 2.63,
    size: -0.041,
    relativeSize: -0.268,
  },
} as const satisfies Record<string, Numbers>;

/** Probability that the mask of 'nearest' is better than the trained method's, by the evidence of both. */
export const CHOICE = {
  bias: -0.324,
  samIou: -0.826,
  certainty: -0.891,
  likenessLead: -4.865,
  precision: -3.49,
  coverage: -1.931,
  otherLikenessLead: 12.535,
  otherCertainty: 2.449,
} as const satisfies Numbers;

/** Presence: with the trained method's mask as evidence, or without; with images that do not show the concept, or without. */
export const PRESENCE = {
  trained: {
    withoutRivals: {
      bias: -1.879,
      found: -0.179,
      lead: 10.036,
      likeness: 2.09,
      likenessLead: 1.847,
      precision: -0.474,
      trainedSamIou: 0.007,
      trainedCertainty: 0.165,
    },
    withRivals: {
      bias: -0.899,
      found: 1.176,
      lead: 9.246,
      likeness: 6.164,
      likenessLead: 1.728,
      precision: -0.343,
      trainedSamIou: 0.066,
      trainedCertainty: 0.17,
      rival: -6.919,
    },
  },
  alone: {
    withoutRivals: {
      bias: -3.317,
      found: 3.737,
      lead: 11.538,
      likeness: -0.671,
      likenessLead: 2.407,
      precision: 0.79,
      certainty: -0.112,
    },
    withRivals: {
      bias: -3.416,
      found: 6.849,
      lead: 9.769,
      likeness: 1.637,
      likenessLead: 1.68,
      precision: 1.945,
      certainty: 0.143,
      rival: -6.108,
    },
  },
} as const satisfies Record<string, Record<string, Numbers>>;
