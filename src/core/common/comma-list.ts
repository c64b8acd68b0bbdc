/** Names that are written in one text with commas between them. */

/** Without spaces around them, and without empty ones. */
export function commaList(text: string): string[] {
  return text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');
}
