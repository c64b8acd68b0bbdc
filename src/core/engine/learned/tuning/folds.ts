/** Tuning with some images left out, so that these can say what it is worth. */
import type { MethodContext, RunMethod } from '../../methods/method.ts';
import type { ShownReference } from '../../one-per-image.ts';
import type { Tuner } from './tuner.ts';
import type { AlteredCopies } from '../../references.ts';
import { viewsOf } from './views.ts';

/** Tunings without some of the images at most: of many images several are left out at once. */
const MAX_FOLDS = 6;
/** Images that a tuning learns from at least. */
const MIN_IMAGES = 2;

interface Tuning {
  /** 'prosam' tuned without this image. */
  without(image: number): Promise<RunMethod>;
  /** Tuned to all of them. */
  change(): Promise<number[]>;
}

/** Undefined where too few images would be left to learn from. */
export async function tuningOf(
  context: MethodContext,
  references: readonly ShownReference[],
  { tuner, altered }: { tuner: Tuner; altered: AlteredCopies },
): Promise<Tuning | undefined> {
  if (references.length <= MIN_IMAGES) return undefined;
  const views = await viewsOf(context, references, altered, tuner.plan.label_reduction);
  const folds = Math.min(MAX_FOLDS, views.length);
  const methods = new Map<number, Promise<RunMethod>>();
  return {
    async without(image) {
      const fold = image % folds;
      const others = views.filter((_, i) => i % folds !== fold);
      const known = methods.get(fold) ?? tuner.tune(context, others).then((change) => tuner.method(change));
      methods.set(fold, known);
      return known;
    },
    change: () => tuner.tune(context, views),
  };
}
