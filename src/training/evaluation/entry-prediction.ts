/** Prediction of one entry for one pair, and the row that is kept of it. */
import { isProsamError, ProsamError } from '../../core/common/errors.ts';
import type { BinaryMask } from '../../core/mask/label-reduction.ts';
import { resizeNearest } from '../../core/mask/resize-map.ts';
import type { Engine, ImageInput, MaskPrediction, Reference, StageTimes } from '../../core/engine/types.ts';
import type { Contestant, ModelContestant } from './entries.ts';
import type { Dataset } from '../types.ts';
import type { Pair } from './pair.ts';
import type { EpisodeRow, EvaluationSettings } from './result.ts';

export interface EntryPrediction {
  /** 0/1 per pixel of the pair's truth. */
  mask: Uint8Array;
  row: Pick<EpisodeRow, 'uncertainty' | 'present' | 'samIou' | 'method' | 'unmarked' | 'milliseconds'>;
}

export interface PredictWith {
  engine: Engine;
  settings: Pick<EvaluationSettings, 'labelReduction' | 'seed'>;
  /** The same target with further references. */
  further?: readonly Pair[];
  /** Images without the class. */
  others?: readonly ImageInput[];
  /** Time of encoding the target, before any entry is timed. */
  embedMs: number;
  signal?: AbortSignal | undefined;
  /** Called for each notice about the pair's images. */
  onNotice?: Dataset['onNotice'];
}

/** An annotation that reaches no pixel or no cell gives an empty mask. @throws DATASET_INVALID and what the engine throws */
export async function predict(
  { options }: ModelContestant,
  pair: Pair,
  { engine, settings: { labelReduction, seed }, further = [], others = [], embedMs, signal, onNotice }: PredictWith,
): Promise<EntryPrediction> {
  const { mask } = pair.annotation;
  const empty: EntryPrediction = { mask: new Uint8Array(pair.truth.data.length), row: { unmarked: true, milliseconds: {} } };
  if (!mask.data.includes(1)) return empty;
  const references = [pair, ...further].filter(({ annotation }) => annotation.mask.data.includes(1)).map(referenceOf);
  try {
    const prediction = await engine.predict(pair.target, references, {
      threshold: 0,
      ...options,
      seed,
      ...(others.length > 0 && { others }),
      ...(labelReduction && { labelReduction }),
      ...(signal && { signal }),
    });
    for (const notice of prediction.notices ?? [])
      if (!notice.about?.startsWith('other')) onNotice?.(notice, pair.episode[notice.about === 'target' ? 'target' : 'reference'].file);
    const [found] = prediction.masks as [MaskPrediction];
    const { total = 0, embed = 0 } = prediction.milliseconds;
    const milliseconds: StageTimes = { ...prediction.milliseconds, embed: embedMs, total: total - embed + embedMs };
    const { score, present, samIou } = found.quality;
    const row = { uncertainty: 1 - score, present, ...(samIou !== undefined && { samIou }), method: found.method, milliseconds };
    return { mask: fitted(found.mask, pair), row };
  } catch (error) {
    if (isProsamError(error) && error.code === 'MASK_EMPTY') return empty;
    throw error;
  }
}

function referenceOf({ reference: image, annotation: { mask, mode } }: Pair): Reference {
  return mode === 'point' || mode === 'scribble' ? { image, scribble: mask } : { image, mask };
}

function fitted(mask: BinaryMask, { truth, targetSize, episode }: Pair): Uint8Array {
  if (mask.width === targetSize.width && mask.height === targetSize.height) return resizeNearest(mask.data, mask, truth);
  throw new ProsamError(
    'DATASET_INVALID',
    `${episode.target.file}: expected labels of its size, ${mask.width} x ${mask.height}, got ${targetSize.width} x ${targetSize.height}. Correct the label file.`,
  );
}

export function trivial(kind: Contestant['kind'], { referenceMask, truth }: Pair): EntryPrediction {
  const mask = kind === 'everything' ? new Uint8Array(truth.data.length).fill(1) : resizeNearest(referenceMask.data, referenceMask, truth);
  return { mask, row: { milliseconds: {} } };
}
