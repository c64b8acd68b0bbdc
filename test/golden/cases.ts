/** Which golden cases can run with the engines at hand. */
import { gfSamCases } from './training-free/gf-sam-cases.ts';
import { maskCases } from './mask-cases.ts';
import { matchingExtrasCases } from './training-free/matching-extras-cases.ts';
import { networkCases } from './network-cases.ts';
import { promptEncoderCases } from './prompt-encoder-cases.ts';
import type { CaseEntry, Engines, GoldenCase } from './golden-set.ts';
import { matcherCases } from './training-free/matcher-cases.ts';
import { persamCases } from './training-free/persam-cases.ts';
import { sam2Cases } from './sam2-cases.ts';
import { sam2TrainingCases } from './sam2-training-cases.ts';
import { trainingCases } from './training-cases.ts';

type Values = Record<string, ArrayLike<number>>;
/** Computes a case's outputs by name; outputs it leaves out are reported as not yet done. */
export type CaseRunners = Record<string, (golden: GoldenCase) => Values | Promise<Values>>;

export function casesFor({ tf }: Engines): CaseRunners {
  return {
    ...networkCases,
    ...promptEncoderCases,
    ...maskCases,
    ...sam2Cases,
    ...persamCases,
    ...matcherCases,
    ...gfSamCases,
    ...matchingExtrasCases,
    ...(tf && { ...trainingCases, ...sam2TrainingCases }),
  };
}

/** Kinds of cases that have an output which no others have. */
const KIND_BY_OUTPUT = {
  forward_ref: 'matcher',
  attention_bias: 'persam',
  ref_logits: 'persam_f',
  logits_attention: 'persam_decoder_hooks',
};

/** Kind of a case; of a set that tells none, by what it expects. */
export function kindOf({ kind, name, expected }: Pick<CaseEntry, 'kind' | 'name' | 'expected'>): string {
  return kind ?? Object.entries(KIND_BY_OUTPUT).find(([output]) => Object.hasOwn(expected, output))?.[1] ?? name;
}

/** Runner of a kind of case, or of the family that its first word names. */
export function runnerOf(cases: CaseRunners, kind: string): CaseRunners[string] | undefined {
  return cases[kind] ?? cases[`${kind.split('_', 1)[0]}_*`];
}
