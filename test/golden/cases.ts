/** Which golden cases can run with the engines at hand. */
import { maskCases } from './mask-cases.ts';
import { networkCases } from './network-cases.ts';
import { promptEncoderCases } from './prompt-encoder-cases.ts';
import type { CaseEntry, Engines, GoldenCase } from './golden-set.ts';
import { persamCases } from './persam-cases.ts';
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
    ...(tf && { ...trainingCases, ...sam2TrainingCases }),
  };
}

/** Kind of a case; those of one kind that tell none are numbered. */
export function kindOf({ kind, name }: Pick<CaseEntry, 'kind' | 'name'>): string {
  return kind ?? name.replace(/_\d+$/, '');
}
