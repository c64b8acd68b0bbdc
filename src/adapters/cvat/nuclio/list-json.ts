/** Lists as JSON, written piece by piece: the run lengths and outlines of a large mask can be millions. */
import { runSteps, PAUSE_AFTER, type Steps } from '../../../core/mask/cooperative.ts';

/** items: numbers, or points. Gives others on this thread their turns; rejects with the signal's reason once it aborts. */
export function listJson(items: readonly (number | readonly number[])[], signal?: AbortSignal): Promise<Buffer> {
  return runSteps(listSteps(items), signal);
}

function* listSteps(items: readonly (number | readonly number[])[]): Steps<Buffer> {
  const pieces: Buffer[] = [];
  for (let from = 0; from < items.length; from += PAUSE_AFTER) {
    const text = JSON.stringify(items.slice(from, from + PAUSE_AFTER));
    pieces.push(Buffer.from(`${from === 0 ? '[' : ','}${text.slice(1, -1)}`));
    yield;
  }
  return Buffer.concat([...(pieces.length === 0 ? [Buffer.from('[')] : pieces), Buffer.from(']')]);
}
