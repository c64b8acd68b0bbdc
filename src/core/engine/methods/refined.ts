/** No training: what 'nearest' finds, redrawn by SAM. */
import { nearestPrompt, redrawn } from './mask-prompts.ts';
import type { RunMethod } from './method.ts';

export const refined: RunMethod = async (context, target, references) =>
  redrawn(context, target, await nearestPrompt(context, target, references));
