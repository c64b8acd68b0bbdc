/** Frames named on the command line: 0-20,25. */
import { UsageError } from '../common/command.ts';

const MAX_FRAMES = 1_000_000;

/** Frames in the order they are named; none for an empty text. @throws UsageError */
export function frameNumbers(option: string, text: string): Set<number> {
  const found = new Set<number>();
  for (const part of text.split(',')) {
    if (part.trim() === '') continue;
    const [, from = '', to] = /^\s*(\d+)(?:\s*-\s*(\d+))?\s*$/.exec(part) ?? [];
    const [first, last] = [Number(from), Number(to ?? from)];
    if (from === '' || first > last || last - first > MAX_FRAMES)
      throw new UsageError(`--${option}: expected frames such as 0-20,25, got ${JSON.stringify(part)}.`);
    for (let frame = first; frame <= last; frame++) found.add(frame);
  }
  return found;
}
