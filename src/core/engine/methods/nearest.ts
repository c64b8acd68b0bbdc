/** No training, no decoder: cells whose features are nearer to the object's than to the background's. */
import { gridOf } from '../../image/geometry.ts';
import { featureContrast } from './feature-contrast.ts';
import type { RunMethod } from './method.ts';
import { sigmoid } from './sigmoid.ts';

/** Turns a difference of cosines into a logit; only the probabilities depend on it, the mask does not. */
const CONTRAST_GAIN = 20;

export const nearest: RunMethod = (context, target, references) => {
  const { columns, rows, spanX, spanY } = gridOf(context.geometry, target);
  const contrast = { data: featureContrast(target, references), width: columns, height: rows };
  context.lap('prompt');
  const field = context.geometry.gridToImage(contrast, target.width, target.height);
  // Cells that only see padding say nothing.
  const width = Math.min(columns, Math.ceil((columns * target.width) / spanX));
  const height = Math.min(rows, Math.ceil((rows * target.height) / spanY));
  const seen = Float32Array.from(
    { length: width * height },
    (_, i) => contrast.data[Math.floor(i / width) * columns + (i % width)] as number,
  );
  context.lap('resize');
  return Promise.resolve({
    field,
    probability: { data: seen.map((value) => sigmoid(CONTRAST_GAIN * value)), width, height },
    decision: Uint8Array.from(seen, (value) => (value > 0 ? 1 : 0)),
  });
};
