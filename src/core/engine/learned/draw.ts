/** Mask of a target with numbers fitted to its label. */
import { ProsamError } from '../../common/errors.ts';
import { LEARNED_MAPS, type LearnedValues } from '../../checkpoint/learned-values.ts';
import type { DrawnMask } from '../auto.ts';
import type { Methods } from '../methods/available.ts';
import { samResult } from '../methods/mask-prompts.ts';
import type { MethodContext } from '../methods/method.ts';
import { judge, type Asked } from '../trust/judge.ts';
import type { PredictOptions } from '../types.ts';
import { believed } from './agreement.ts';
import { drawMaps, needsTuning } from './maps.ts';
import { mixed } from './mix.ts';
import type { Tuner } from './tuning/tuner.ts';

export async function drawLearned(
  context: MethodContext,
  { held, numbers }: Pick<LearnedValues, 'held'> & { numbers: NonNullable<LearnedValues['numbers']> },
  asked: Asked,
  { methods, tuner }: { methods: Methods; tuner?: Pick<Tuner, 'method'> | undefined },
  options: PredictOptions,
): Promise<DrawnMask> {
  const wanted = new Set(LEARNED_MAPS.filter((name) => numbers.maps[name] !== undefined || name === numbers.plain));
  const { probe, change } = numbers;
  if (needsTuning(wanted) && (change === undefined || tuner === undefined))
    throw new ProsamError('OPTION_INVALID', 'learned: expected the change of a prompt encoder with a coarse mask, got none. Fit again.');
  const parts = { probe, wanted, tuned: change && tuner?.method(change) };
  const { maps, trained, judgement: known } = await drawMaps(context, asked, parts, methods, options);
  const names = LEARNED_MAPS.filter((name) => numbers.maps[name] !== undefined && maps[name] !== undefined);
  const mix = { bias: numbers.bias, weights: names.map((name) => numbers.maps[name] as number) };
  const logits = mixed(
    mix,
    names.map((name) => maps[name] as Float32Array),
  );
  const plain = numbers.plain && maps[numbers.plain];
  const drawn = numbers.plain && plain ? believed({ maps: names, logits }, { name: numbers.plain, logits: plain }) : logits;
  const result = samResult(context, asked.target, { logits: drawn, iou: 0 });
  delete result.samIou; // the sum is nobody's mask
  context.lap('resize');
  const own = trained && (known ?? (await judge(context, asked, { method: 'prosam', result: trained }))).evidence;
  const judgement = await judge(context, asked, { method: 'learned', result, ...(own && { trained: own }) });
  const referenceIou = held.reduce((sum, { learned }) => sum + learned, 0) / Math.max(1, held.length);
  return { name: 'learned', result, judgement, check: { basis: 'leave-one-out', referenceIou } };
}
