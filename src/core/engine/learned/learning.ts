/** Numbers fitted to labels, as the engine's calls make and take them. */
import { parseLearnedValues, type LearnedValues, type PlainMap } from '../../checkpoint/learned-values.ts';
import { ProsamError } from '../../common/errors.ts';
import type { DrawnMask } from '../auto.ts';
import type { Methods } from '../methods/available.ts';
import type { MethodContext } from '../methods/method.ts';
import type { ShownReference } from '../one-per-image.ts';
import type { Asked } from '../trust/judge.ts';
import type { PredictOptions } from '../types.ts';
import { drawLearned } from './draw.ts';
import { fitted } from './fit.ts';
import type { Tuner } from './tuning/tuner.ts';
import type { AlteredCopies } from '../references.ts';

interface Learning {
  /** references: of one label, one for each image. */
  fit(
    context: MethodContext,
    asked: { label: string; references: readonly ShownReference[]; methods: Methods },
    options: PredictOptions,
  ): Promise<LearnedValues>;
  /** Ways to draw with the call's `learned`, by label; none for labels that are drawn better without. @throws OPTION_INVALID */
  drawers(methods: Methods, options: PredictOptions): ReadonlyMap<string, DrawWithLearned>;
}

type DrawWithLearned = (context: MethodContext, asked: Asked) => Promise<DrawnMask>;

/** features: stands for the networks whose features the numbers are for. tuner: of the model's own prompt encoder. */
export function createLearning(features: string, { tuner, altered }: { tuner: Tuner | undefined; altered: AlteredCopies }): Learning {
  const tuning = tuner && { tuner, altered };
  return {
    async fit(context, { label, references, methods }, options) {
      const found = await fitted(context, references, { methods, plain: plainMaps(context, methods), tuning }, options);
      const { promptEncoder } = options;
      return { format: 'prosam-learned/1', features, ...(promptEncoder !== undefined && { promptEncoder }), label, ...found };
    },
    drawers(methods, options) {
      const found = new Map<string, DrawWithLearned>();
      if (![undefined, 'auto', 'learned'].includes(options.method)) return found;
      for (const given of options.learned ?? []) {
        const values = parseLearnedValues(given);
        checkFit(values, features, options.promptEncoder);
        const { label, held, numbers } = values;
        if (numbers) found.set(label, (context, asked) => drawLearned(context, { held, numbers }, asked, { methods, tuner }, options));
      }
      return found;
    },
  };
}

/** Maps of what 'auto' would draw, by either method. */
export function plainMaps({ networks }: Pick<MethodContext, 'networks'>, methods: Methods): PlainMap[] {
  return (['prosam', networks.drawsPrompts ? 'pieces' : 'nearest'] as const).filter((name) => methods.has(name));
}

function checkFit(values: LearnedValues, features: string, promptEncoder: string | undefined): void {
  if (values.features !== features)
    throw new ProsamError(
      'OPTION_INVALID',
      `learned: expected numbers fitted with the model in use (${features}), got some of ${values.features} for ${values.label}. Fit again.`,
    );
  if (values.promptEncoder === promptEncoder) return;
  const nameOf = (id: string | undefined): string => id ?? "the model's own";
  throw new ProsamError(
    'OPTION_INVALID',
    `learned: expected numbers fitted with the prompt encoder in use (${nameOf(promptEncoder)}), got some of ${nameOf(values.promptEncoder)} for ${values.label}. Fit again.`,
  );
}
