/** The trained encoder's coarse mask alone, without its prompts, redrawn by SAM. */
import { coarsePrompt } from './coarse-prompt.ts';
import { redrawn } from './mask-prompts.ts';
import type { RunMethod } from './method.ts';
import { mostAlike } from './most-alike.ts';
import type { ReadDistributions } from './prosam.ts';

/** read: of an encoder that has a coarse mask. */
export function createCoarseMethod(read: ReadDistributions): RunMethod {
  return async (context, target, references, { promptReferences }) => {
    const parts = await read(context, target, await mostAlike(context, target, references, promptReferences));
    const mask = coarsePrompt(
      target,
      parts.map((part) => part.coarse),
    );
    if (mask === undefined) throw new Error('the prompt encoder gave no coarse mask');
    return redrawn(context, target, mask.data);
  };
}
