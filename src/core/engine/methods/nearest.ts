/** No training, no decoder: cells whose features are nearer to the object's than to the background's. */
import { aboveZero } from '../../mask/resize-map.ts';
import { visibleCells, visibleIndices } from '../../image/geometry.ts';
import { featureContrast } from './feature-contrast.ts';
import { gridPrompt } from './mask-prompts.ts';
import type { RunMethod } from './method.ts';
import { sigmoid } from './sigmoid.ts';

export const nearest: RunMethod = async (context, target, references) => {
  const contrast = await featureContrast(context, target, references, context.networks.matching.nearest);
  context.lap('prompt');
  const { columns, rows, stride } = visibleCells(context.geometry, target);
  const map = { data: contrast, width: stride, height: contrast.length / stride };
  const field = context.geometry.gridToImage(map, target.width, target.height);
  // Cells that only see padding say nothing.
  const seen = Float32Array.from(visibleIndices(context.geometry, target), (cell) => contrast[cell] as number);
  context.lap('resize');
  return {
    field,
    probability: { data: seen.map(sigmoid), width: columns, height: rows },
    decision: aboveZero(seen),
    lowResLogits: gridPrompt(context, target, contrast),
  };
};
