/** Which golden cases can run with the engines at hand. */
import { gfSamCases } from './training-free/gf-sam-cases.ts';
import { maskCases } from './mask-cases.ts';
import { matchingExtrasCases } from './training-free/matching-extras-cases.ts';
import { networkCases } from './network-cases.ts';
import { promptEncoderCases } from './prompt-encoder-cases.ts';
import type { Engines, GoldenCase } from './golden-set.ts';
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
    ...gfSamCases,
    ...matchingExtrasCases,
    ...(tf && { ...trainingCases, ...sam2TrainingCases }),
  };
}

/** Runner of a kind of case, or of the family that its first word names. */
export function runnerOf(cases: CaseRunners, kind: string): CaseRunners[string] | undefined {
  return cases[kind] ?? cases[`${kind.split('_', 1)[0]}_*`];
}
