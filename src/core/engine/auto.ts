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
  /** Result of the check on the references, where there was one. */
  check?: Pick<SelfCheck, 'basis' | 'referenceIou'>;
  /** Expected IoU, where several methods drew. */
  compared?: Partial<Record<Method, number>>;
}

/** Methods whose masks are judged side by side in every target. */
const BOTH: readonly Method[] = ['prosam', 'nearest'];

/**
 * The methods of which both draw, and the evidence decides target by target (docs/decisions/017-auto-is-the-default-method.md); undefined
 * where there are not both, or where they cannot be judged alike.
 */
export function decidedByTarget(methods: Methods, nearest: Matching): Methods | undefined {
  if (nearest.compare !== 'cells' || BOTH.some((name) => !methods.has(name))) return undefined;
  return new Map([...methods].filter(([name]) => BOTH.includes(name)));
}

/** Masks of both, of which the better one is kept. check: of both, where several references could predict each other. */
export async function drawBoth(
  context: MethodContext,
  methods: Methods,
  check: SelfCheck | undefined,
  asked: Asked,
  options: PredictOptions,
): Promise<DrawnMask> {
  const draw = (name: Method): Promise<MethodResult> => (methods.get(name) as RunMethod)(context, asked.target, asked.references, options);
  const trained = await draw('prosam');
  const other = await draw('nearest');
  const own = await judge(context, asked, { method: 'prosam', result: trained, trained });
  const beside = await judge(context, asked, { method: 'nearest', result: other, trained });
  const onReferences = (name: Method): number => check?.methods[name]?.iou ?? 0;
  const kept: DrawnMask = leavesTrained(own.evidence, beside.evidence, onReferences('nearest') - onReferences('prosam'))
    ? { name: 'nearest', result: other, judgement: beside }
    : { name: 'prosam', result: trained, judgement: own };
  return {
    ...kept,
    ...(check && { check: { basis: check.basis, referenceIou: onReferences(kept.name) } }),
    compared: { prosam: own.score, nearest: beside.score },
  };
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
