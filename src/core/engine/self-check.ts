/** Accuracy of each method on the references themselves: they predict each other. */
import type { ImageReading } from '../image/values/reading.ts';
import { aboveZero } from '../mask/resize-map.ts';
import type { ImageFeatures } from './image-features.ts';
import type { ShownReference } from './one-per-image.ts';
import type { PreparedReference, ReferenceStore } from './references.ts';
import { iou } from '../mask/metrics.ts';
import type { BinaryMask } from '../mask/label-reduction.ts';
import type { MethodContext, RunMethod } from './methods/method.ts';
import type { ImageInput, Method, PredictOptions, SelfCheck } from './types.ts';

/**
 * On a copy of its own reference every method looks better than it is, the trained encoder least: it is preferred unless
 * it falls below this share of the best. One half gave the best mean over generated scenes, clothing and general photos
 * (tools/bench/methods.ts).
 */
const TRAINED_SHARE = 0.5;

/** References that are predicted from all others, at most: the first ones. */
const MAX_TRIALS = 5;

/** references: of one concept, one for each image. */
export async function selfCheck(
  context: MethodContext,
  trialParts: TrialParts,
  methods: ReadonlyMap<Method, RunMethod>,
  references: readonly ShownReference[],
  options: PredictOptions,
): Promise<SelfCheck> {
  const trials = await trialsOf(trialParts, references, checkedAtMost(references.length, options.promptReferences));
  const results: SelfCheck['methods'] = {};
  for (const [name, run] of methods) {
    const each: number[] = [];
    for (const { target, truth, from } of trials) {
      context.checkpoint();
      const { field } = await run(context, target, from, { ...options, samples: 0, strategy: 'mean_prompt' });
      each.push(iou(aboveZero(field.data), truth.data));
    }
    results[name] = { iou: each.reduce((sum, value) => sum + value, 0) / each.length, each };
  }
  const basis = references.length > 1 ? 'leave-one-out' : 'mirrored-copy';
  const best = bestMethod(results, basis);
  return { basis, methods: results, best, referenceIou: results[best]?.iou ?? 0 };
}

/** References that are predicted from the others, of so many. promptReferences: an option of the call. */
export function checkedAtMost(references: number, promptReferences: number | undefined): number {
  return promptReferences === undefined ? references : MAX_TRIALS;
}

function bestMethod(results: SelfCheck['methods'], basis: SelfCheck['basis']): Method {
  const ranked = (Object.entries(results) as [Method, { iou: number }][]).sort(([, a], [, b]) => b.iou - a.iou);
  const [first] = ranked[0] as [Method, { iou: number }];
  const trained = results.prosam;
  const close = trained !== undefined && basis === 'mirrored-copy' && trained.iou >= TRAINED_SHARE * (results[first]?.iou ?? 0);
  return close ? 'prosam' : first;
}

interface Trial {
  target: ImageFeatures;
  truth: BinaryMask;
  from: readonly PreparedReference[];
}

export interface TrialParts {
  references: Pick<ReferenceStore, 'mirrored'>;
  features(image: ImageInput, reading: ImageReading): Promise<ImageFeatures>;
}

async function trialsOf(parts: TrialParts, references: readonly ShownReference[], most: number): Promise<Trial[]> {
  const [only] = references;
  if (only !== undefined && references.length === 1) {
    const copy = await parts.references.mirrored(only, only.image, only.reading);
    return [{ target: copy.features, truth: copy.mask, from: references }];
  }
  const trials: Trial[] = [];
  for (const held of references.slice(0, most))
    trials.push({
      target: await parts.features(held.image, held.reading),
      truth: held.mask,
      from: references.filter((other) => other !== held),
    });
  return trials;
}
