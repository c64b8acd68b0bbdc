/** No training: what 'nearest' finds, redrawn by SAM. */
import { featureContrast } from './feature-contrast.ts';
import { gridPrompt, redrawn } from './mask-prompts.ts';
import type { RunMethod } from './method.ts';

export const refined: RunMethod = async (context, target, references) => {
  const contrast = await featureContrast(context, target, references, context.networks.matching.nearest);
  context.lap('prompt');
  return redrawn(context, target, gridPrompt(context, target, contrast));
};
