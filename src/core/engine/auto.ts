/** 'auto': which methods may draw the mask of a label, and whose mask is kept. */
import type { Matching } from '../checkpoint/methods-section.ts';
import type { Methods } from './methods/available.ts';
import type { MethodContext, MethodResult, RunMethod } from './methods/method.ts';
import { leavesTrained } from './trust/estimates.ts';
import { judge, type Asked, type Judgement } from './trust/judge.ts';
import type { Method, PredictOptions, SelfCheck } from './types.ts';

export interface DrawnMask {
  name: Method;
  result: MethodResult;
  /** Without evidence where a system outside drew. */
  judgement: Omit<Judgement, 'evidence'> & Partial<Pick<Judgement, 'evidence'>>;
  /** Where the methods were checked on the references. */
  check?: Pick<SelfCheck, 'basis' | 'referenceIou'>;
  /** Expected IoU, where several methods drew. */
  compared?: Partial<Record<Method, number>>;
}

/**
 * Whether both the trained method and 'nearest' draw, and the evidence decides target by target: a copy of a single reference says little
 * about other images (docs/decisions/017-auto-is-the-default-method.md). count: references of the label.
 */
export function decidesByTarget(methods: Methods, count: number, nearest: Matching): boolean {
  return count === 1 && nearest.compare === 'cells' && methods.has('prosam') && methods.has('nearest');
}

/** Masks of both, of which the better one is kept. methods: the trained one and 'nearest' among them. */
export async function drawBoth(context: MethodContext, methods: Methods, asked: Asked, options: PredictOptions): Promise<DrawnMask> {
  const draw = (name: Method): Promise<MethodResult> => (methods.get(name) as RunMethod)(context, asked.target, asked.references, options);
  const trained = await draw('prosam');
  const other = await draw('nearest');
  const own = await judge(context, asked, { method: 'prosam', result: trained, trained });
  const beside = await judge(context, asked, { method: 'nearest', result: other, trained });
  const kept: DrawnMask = leavesTrained(own.evidence, beside.evidence)
    ? { name: 'nearest', result: other, judgement: beside }
    : { name: 'prosam', result: trained, judgement: own };
  return { ...kept, compared: { prosam: own.score, nearest: beside.score } };
}

/** Mask of the method that did best on the references. */
export async function drawChecked(
  context: MethodContext,
  methods: Methods,
  check: SelfCheck,
  asked: Asked,
  options: PredictOptions,
): Promise<DrawnMask> {
  const name = check.best;
  const result = await (methods.get(name) as RunMethod)(context, asked.target, asked.references, options);
  const trained = name === 'prosam' ? result : undefined;
  const judgement = await judge(context, asked, { method: name, result, trained });
  return { name, result, judgement, check: { basis: check.basis, referenceIou: check.referenceIou } };
}
