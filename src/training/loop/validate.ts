/** mIoU of the encoder in training on test pairs, through the engine's own networks (paper, section 5.1). */
import { aboveZero } from '../../core/mask/resize-map.ts';
import type { Model } from '../../core/checkpoint/model-folder.ts';
import { geometryOf } from '../../core/image/geometry.ts';
import { EpisodeMeter, iou } from '../../core/mask/metrics.ts';
import { coarsePrompt } from '../../core/engine/methods/coarse-prompt.ts';
import { preprocessOf, type Networks } from '../../core/onnx/networks.ts';
import type { PreparedPair } from '../batches/pairs.ts';
import { croppedToImage } from '../batches/label-square.ts';
import type { ValidationExample } from './training-events.ts';

export interface Validation {
  /** Percent. */
  miou: number;
  /** Percent. */
  fbIou: number;
  examples: ValidationExample[];
}

/** Masks from the mean prompt, 0/1 on the square. [S * S] */
function meanPromptPredictor({ model, networks }: { model: Model; networks: Networks }): (pair: PreparedPair) => Promise<Uint8Array> {
  const geometry = geometryOf(preprocessOf(model));
  return async (pair) => {
    const code = await networks.encodeReference(pair.reference.mid, pair.cells);
    const { mu, coarse } = await networks.promptDistribution(pair.target.mid, pair.pseudo, code);
    const { logits } = await networks.decodePrompts(pair.target, mu, coarsePrompt(pair.target, [coarse]));
    const side = logits.shape[3] as number;
    return aboveZero(geometry.toSquare({ data: logits.data, width: side, height: side }).data);
  };
}

/** Yields the number of pairs done. Examples: the first pair of each class, until there are enough. */
export async function* validatePairs(
  { model, networks }: { model: Model; networks: Networks },
  pairs: AsyncIterable<PreparedPair>,
  exampleCount: number,
): AsyncGenerator<number, Validation, undefined> {
  const { resize } = model.manifest.sam;
  const predict = meanPromptPredictor({ model, networks });
  const exampleOf = ({ episode, reference, target, annotation, truth, ignored }: PreparedPair, mask: Uint8Array): ValidationExample => ({
    episode,
    annotation: croppedToImage(annotation, reference, resize),
    mask: croppedToImage(mask, target, resize),
    truth: croppedToImage(truth, target, resize),
    iou: iou(mask, truth, ignored),
  });
  const meter = new EpisodeMeter(256);
  const classes = new Set<number>();
  const examples: ValidationExample[] = [];
  let done = 0;
  for await (const pair of pairs) {
    const { classId } = pair.episode;
    const mask = await predict(pair);
    meter.add(classId, mask, pair.truth, pair.ignored);
    if (examples.length < exampleCount && !classes.has(classId)) examples.push(exampleOf(pair, mask));
    classes.add(classId);
    yield ++done;
  }
  return { miou: meter.miou([...classes]), fbIou: meter.fbIou([...classes]), examples };
}
