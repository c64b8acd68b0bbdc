/** The methods that need no training, on prepared pairs: what a first prompt encoder has to beat. */
import { aboveZero } from '../../core/mask/resize-map.ts';
import type { ImageFeatures } from '../../core/engine/image-features.ts';
import { callContext } from '../../core/engine/call-context.ts';
import { geometryOf } from '../../core/image/geometry.ts';
import type { RunMethod } from '../../core/engine/methods/method.ts';
import { methodsOf, withoutBaselines } from '../../core/engine/methods/available.ts';
import type { Model } from '../../core/checkpoint/model-folder.ts';
import { preprocessOf, type Networks } from '../../core/onnx/networks.ts';
import type { PreparedPair } from './pairs.ts';

/** Those that 'auto' may choose from, so that answer while there is no prompt encoder. */
export const TRAINING_FREE: readonly RunMethod[] = [...withoutBaselines(methodsOf()).values()];

/** Masks by a method of the engine, 0/1 on the square. [S * S] */
export function methodPredictor(
  { model, networks }: { model: Model; networks: Networks },
  run: RunMethod,
): (pair: PreparedPair) => Promise<Uint8Array> {
  const geometry = geometryOf(preprocessOf(model));
  const side = geometry.square;
  // Pairs live on the square that SAM sees, padding included.
  const onSquare = (features: ImageFeatures): ImageFeatures => ({ ...features, width: side, height: side });
  let pairs = 0;
  return async ({ reference, target, annotation, cells }) => {
    const seen = onSquare(reference);
    const mask = { data: annotation, width: side, height: side };
    // No two pairs are kept as one: an image's key says nothing of its annotation.
    const prepared = { key: `${reference.key} ${pairs++}`, features: seen, mask, cells, sam: () => Promise.resolve(seen) };
    const { field } = await run(callContext(undefined, { networks, geometry }), onSquare(target), [prepared], {});
    return aboveZero(field.data);
  };
}
