/** Numbers fitted to labels, as predictions take them. */
import type { Engine, Method } from '../../core/engine/types.ts';
import { chooses, type MaskOptions } from '../answer-version.ts';
import type { FitRecord } from '../ports/fits.ts';
import { BASE } from '../serving.ts';

export interface FitsAsked {
  info: Pick<Engine['info'], 'model' | 'precision'>;
  /** Prompt encoder that answers: id of a version, or 'base'. */
  encoderVersion: string;
  method: Method | 'auto';
  /** Options of the request. */
  options: MaskOptions | undefined;
  /** Reference sets of the labels that are looked for. */
  sets: readonly { fit?: FitRecord | undefined }[];
}

/**
 * The numbers that change an answer: fitted with the model and the prompt encoder that answer, and better than none. None where the request
 * says itself how masks are drawn, or brings its own. The learner computes at full precision, and features of another are not the same.
 */
export function fittedOptions({ info, encoderVersion, method, options, sets }: FitsAsked): Pick<MaskOptions, 'learned'> {
  // Which masks are withheld is decided after they are drawn.
  const drawing = { ...options };
  delete drawing.threshold;
  if ((method !== 'auto' && method !== 'learned') || info.precision !== 'fp32' || chooses(drawing)) return {};
  const learned = sets.flatMap(({ fit }) => {
    const isUsable = fit?.values.numbers !== undefined && fit.baseModel === info.model;
    return isUsable && (fit.values.promptEncoder ?? BASE) === encoderVersion ? [fit.values] : [];
  });
  return learned.length > 0 ? { learned } : {};
}
