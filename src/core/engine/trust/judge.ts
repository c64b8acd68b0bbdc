/** Judgement of a mask: the evidence, and what it makes likely. */
import type { ImageFeatures } from '../image-features.ts';
import type { MethodContext, MethodResult } from '../methods/method.ts';
import type { PreparedReference } from '../references.ts';
import type { Method } from '../results.ts';
import { evidenceOf } from './evidence.ts';
import type { Evidence } from './evidence-numbers.ts';
import { presenceOf, scoreOf } from './estimates.ts';

export interface Judgement {
  evidence: Evidence;
  /** Expected IoU where the concept is in the image, 0..1 */
  score: number;
  /** Probability that it is, 0..1 */
  present: number;
}

/** One label in one target. */
export interface Asked {
  target: ImageFeatures;
  references: readonly PreparedReference[];
  /** Mean features of what was found in images without the concept. */
  rivals: readonly Float32Array[];
}

/** A mask to be judged. */
export interface Drawn {
  method: Method;
  result: MethodResult;
  /** Evidence of what the trained prompt encoder drew for the same target, where another method drew this mask. */
  trained?: Evidence;
}

/** An empty mask has no score, and what it would show is not there. */
export async function judge(context: MethodContext, asked: Asked, { method, result, trained }: Drawn): Promise<Judgement> {
  const matching = context.networks.matching.nearest;
  const evidence = await evidenceOf(context, { ...asked, matching }, result);
  if (!result.decision.includes(1)) return { evidence, score: 0, present: 0 };
  const own = method === 'prosam' ? evidence : trained;
  return { evidence, score: scoreOf(method, evidence, own), present: presenceOf(evidence, own) };
}
