/** Which golden cases this project can run so far. */
import { maskCases } from './mask-cases.ts';
import { networkCases } from './network-cases.ts';
import { promptEncoderCases } from './prompt-encoder-cases.ts';
import type { GoldenCase } from './golden-set.ts';

type Values = Record<string, ArrayLike<number>>;
/** Computes a case's outputs by name; outputs it leaves out are reported as not yet done. */
export type CaseRunners = Record<string, (golden: GoldenCase) => Values | Promise<Values>>;

export const CASES: CaseRunners = { ...networkCases, ...promptEncoderCases, ...maskCases };
