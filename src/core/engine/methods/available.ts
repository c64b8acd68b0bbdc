/** The methods that a model can use: with its prompt encoder, with the coarse mask that may be part of it, and without. */
import type { PromptEncoderPlan } from '../../checkpoint/manifest.ts';
import { ProsamError } from '../../common/errors.ts';
import { METHODS, type Method } from '../results.ts';
import { createCoarseMethod } from './coarse.ts';
import { gfSam } from './gf-sam/gf-sam.ts';
import { matcher } from './matcher/matcher.ts';
import type { RunMethod } from './method.ts';
import { nearest } from './nearest.ts';
import { persamF } from './persam-paper/persam-f.ts';
import { persamPaper } from './persam-paper/persam-paper.ts';
import { persam } from './persam.ts';
import { pieces } from './pieces.ts';
import { createProsamMethod, type ReadDistributions } from './prosam.ts';
import { pseudo } from './pseudo.ts';
import { refined } from './refined.ts';

/** Methods that need no prompt encoder. */
const TRAINING_FREE = {
  persam,
  nearest,
  refined,
  pieces,
  pseudo,
  'gf-sam': gfSam,
  'persam-paper': persamPaper,
  'persam-f': persamF,
  matcher,
} as const satisfies Partial<Record<Method, RunMethod>>;

/**
 * Methods that draw where they are named, and that the check on the references does not try: published baselines, one that takes as long as
 * many, and one that 'auto' draws after another.
 */
const BY_NAME: readonly Method[] = ['pieces', 'gf-sam', 'persam-paper', 'persam-f', 'matcher'];

/** Methods that 'auto' may choose from. */
export function withoutBaselines(methods: Methods): Methods {
  return new Map([...methods].filter(([name]) => !BY_NAME.includes(name)));
}

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

/** @throws METHOD_UNAVAILABLE for a method that the model does not have */
export function methodNamed(methods: Methods, name: Method, model: string): RunMethod {
  const method = methods.get(name);
  if (method) return method;
  throw new ProsamError(
    'METHOD_UNAVAILABLE',
    name === 'learned'
      ? 'expected numbers that were fitted to the label, for the method learned, got none. Fit them first, or use auto.'
      : `expected the method ${name}, but the model ${model} has no trained prompt encoder${name === 'coarse' ? ' with a coarse mask' : ''}. Use ${[...methods.keys()].join(' or ')}.`,
  );
}
