/** IoU that 'auto' reaches on left-out images: what fitted numbers have to better. */
import { iou } from '../../mask/metrics.ts';
import { aboveZero } from '../../mask/resize-map.ts';
import { decidedByTarget, drawJudged } from '../auto.ts';
import type { Methods } from '../methods/available.ts';
import type { MethodContext, RunMethod } from '../methods/method.ts';
import type { PreparedReference } from '../references.ts';
import { checkedAtMost } from '../self-check.ts';
import type { Evidence } from '../trust/evidence-numbers.ts';
import { leavesTrained } from '../trust/estimates.ts';
import type { Asked } from '../trust/judge.ts';
import type { PredictOptions } from '../types.ts';

/** Both methods in one left-out image. */
export interface BothSeen {
  prosam: { evidence: Evidence; iou: number };
  nearest: { evidence: Evidence; iou: number };
}

/** reference: left out, seen from the others. -> undefined for models whose methods are chosen on the references alone */
export async function bothSeen(
  context: MethodContext,
  methods: Methods,
  { reference, others }: { reference: PreparedReference; others: readonly PreparedReference[] },
  options: PredictOptions,
): Promise<BothSeen | undefined> {
  const both = decidedByTarget(methods, context.networks.matching.nearest);
  if (both === undefined) return undefined;
  const asked: Asked = { target: await reference.sam(), references: others, rivals: [] };
  const single: PredictOptions = { ...options, samples: 0, strategy: 'mean_prompt' };
  const seen = async (method: 'prosam' | 'nearest', trained?: Evidence) => {
    const { result, judgement } = await drawJudged(
      context,
      { method, run: both.get(method) as RunMethod, ...(trained && { trained }) },
      asked,
      single,
    );
    return { evidence: judgement.evidence, iou: iou(aboveZero(result.field.data), reference.mask.data) };
  };
  const prosam = await seen('prosam');
  return { prosam, nearest: await seen('nearest', prosam.evidence) };
}

/** Whether 'auto' leaves the mask of 'prosam', image by image. */
export function leftByAuto(images: readonly BothSeen[], { promptReferences }: PredictOptions): boolean[] {
  const checked = images.slice(0, checkedAtMost(images.length, promptReferences));
  const lead = checked.reduce((sum, { prosam, nearest }) => sum + nearest.iou - prosam.iou, 0) / Math.max(1, checked.length);
  return images.map(({ prosam, nearest }) => leavesTrained(prosam.evidence, nearest.evidence, lead));
}
