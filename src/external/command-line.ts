/** Words of a command line, as a shell would part them, and nothing else of a shell: no variables, no patterns, no escapes. */
import { ProsamError } from '../core/common/errors.ts';

/** @throws OPTION_INVALID for a quote that does not end */
export function wordsOf(line: string): string[] {
  const words: string[] = [];
  let word: string | undefined;
  let quote: string | undefined;
  const add = (text: string): void => {
    word = (word ?? '') + text;
  };
  for (const character of line) {
    if (quote !== undefined) {
      if (character === quote) quote = undefined;
      else add(character);
    } else if (character === '"' || character === "'") {
      quote = character;
      add('');
    } else if (/\s/.test(character)) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else add(character);
  }
  if (quote !== undefined) throw new ProsamError('OPTION_INVALID', `external: expected a command whose quotes end, got ${line}.`);
  return word === undefined ? words : [...words, word];
}
