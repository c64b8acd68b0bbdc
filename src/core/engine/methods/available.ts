/** The methods that a model can use: with its prompt encoder, with the coarse mask that may be part of it, and without. */
import type { PromptEncoderPlan } from '../../checkpoint/manifest.ts';
import { METHODS, type Method } from '../results.ts';
import { createCoarseMethod } from './coarse.ts';
import { gfSam } from './gf-sam/gf-sam.ts';
import type { RunMethod } from './method.ts';
import { nearest } from './nearest.ts';
import { persam } from './persam.ts';
import { createProsamMethod, type ReadDistributions } from './prosam.ts';
import { pseudo } from './pseudo.ts';
import { refined } from './refined.ts';

/** Methods that need no prompt encoder. */
const TRAINING_FREE = { persam, nearest, refined, pseudo, 'gf-sam': gfSam } as const satisfies Partial<Record<Method, RunMethod>>;

/** Methods by name, in the order of `METHODS`. */
export type Methods = ReadonlyMap<Method, RunMethod>;

type EncoderPlan = Pick<PromptEncoderPlan, 'config'>;

/** Names of the methods of a model with such a prompt encoder, or without one. */
export function methodNames(encoder: EncoderPlan | undefined): Method[] {
  const trained: Method[] = encoder === undefined ? [] : encoder.config.dense === 'coarse' ? ['prosam', 'coarse'] : ['prosam'];
  return METHODS.filter((name) => trained.includes(name) || Object.hasOwn(TRAINING_FREE, name));
}

/** trained: a prompt encoder, and the distributions it gives. */
export function methodsOf(trained?: { plan: PromptEncoderPlan; read: ReadDistributions }): Methods {
  const all: Partial<Record<Method, RunMethod>> = {
    ...TRAINING_FREE,
    ...(trained && { prosam: createProsamMethod(trained.plan, trained.read), coarse: createCoarseMethod(trained.read) }),
  };
  return new Map(methodNames(trained?.plan).map((name) => [name, all[name] as RunMethod]));
}
