/** Frames named on the command line: 0-20,25. */
import { UsageError } from '../common/usage.ts';

const MOST_FRAMES = 1_000_000;

/** In the order they are named; none for an empty text. */
export function frameNumbers(option: string, text: string): Set<number> {
  const found = new Set<number>();
  for (const part of text.split(',')) {
    if (part.trim() === '') continue;
    const [, from = '', to] = /^\s*(\d+)(?:\s*-\s*(\d+))?\s*$/.exec(part) ?? [];
    const [first, last] = [Number(from), Number(to ?? from)];
    if (from === '' || first > last || last - first > MOST_FRAMES)
      throw new UsageError(`--${option}: expected frames such as 0-20,25, got ${JSON.stringify(part)}.`);
    for (let frame = first; frame <= last; frame++) found.add(frame);
  }
  return found;
}
