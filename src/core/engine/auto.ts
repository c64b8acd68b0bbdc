/** 'auto': which methods may draw the mask of a label, and whose mask is kept. */
import type { Matching } from '../checkpoint/methods-section.ts';
import type { Methods } from './methods/available.ts';
import type { MethodContext, MethodResult, RunMethod } from './methods/method.ts';
import { redrawPieces } from './methods/pieces.ts';
import type { Evidence } from './trust/evidence-numbers.ts';
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

/** A mask that the engine drew itself: the evidence is there. */
type JudgedMask = DrawnMask & { judgement: Judgement };

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

/** A method's mask, judged. trained: evidence of the trained method's mask of the same target, where it drew one, too. */
export async function drawJudged(
  context: MethodContext,
  { method, run, trained }: { method: Method; run: RunMethod; trained?: Evidence },
  asked: Asked,
  options: PredictOptions,
): Promise<JudgedMask> {
  const result = await run(context, asked.target, asked.references, options);
  return { name: method, result, judgement: await judge(context, asked, { method, result, ...(trained && { trained }) }) };
}

/** Masks of both, of which the better one is kept. check: of both, where several references could predict each other. */
export async function drawBoth(
  context: MethodContext,
  methods: Methods,
  check: SelfCheck | undefined,
  asked: Asked,
  options: PredictOptions,
): Promise<DrawnMask> {
  const runOf = (name: Method): RunMethod => methods.get(name) as RunMethod;
  const prosam = await drawJudged(context, { method: 'prosam', run: runOf('prosam') }, asked, options);
  const { evidence } = prosam.judgement;
  const nearest = await drawJudged(context, { method: 'nearest', run: runOf('nearest'), trained: evidence }, asked, options);
  const onReferences = (name: Method): number => check?.methods[name]?.iou ?? 0;
  const leaves = leavesTrained(evidence, nearest.judgement.evidence, onReferences('nearest') - onReferences('prosam'));
  const other = leaves ? await inPieces(context, nearest, asked, options) : nearest;
  return {
    ...(leaves ? other : prosam),
    ...(check && { check: { basis: check.basis, referenceIou: onReferences(leaves ? 'nearest' : 'prosam') } }),
    compared: { prosam: prosam.judgement.score, [other.name]: nearest.judgement.score },
  };
}

/**
 * The mask of 'nearest' redrawn piece by piece, by models with which that was measured to be better. The numbers stay those of what was
 * found: they say a little too little of it.
 */
async function inPieces(context: MethodContext, found: JudgedMask, asked: Asked, { signal }: PredictOptions): Promise<JudgedMask> {
  const { lowResLogits } = found.result;
  if (!context.networks.drawsPrompts || lowResLogits === undefined) return found;
  return { ...found, name: 'pieces', result: await redrawPieces(context, asked.target, lowResLogits, signal) };
}

/** Mask of the method that did best on the references. */
export async function drawChecked(
  context: MethodContext,
  methods: Methods,
  check: SelfCheck,
  asked: Asked,
  options: PredictOptions,
): Promise<DrawnMask> {
  const { basis, best: method, referenceIou } = check;
  const drawn = await drawJudged(context, { method, run: methods.get(method) as RunMethod }, asked, options);
  return { ...drawn, check: { basis, referenceIou } };
}
