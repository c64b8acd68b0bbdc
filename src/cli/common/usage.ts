/** Errors in how a command was called: told on stderr, exit code 2. */
export class UsageError extends Error {}

/** Exit codes, the same for every command. */
export const EXIT = { ok: 0, someFailed: 1, usage: 2, interrupted: 130 } as const;

/** A whole number from the command line. */
export function wholeNumber(name: string, text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !Number.isSafeInteger(value))
    throw new UsageError(`--${name}: expected a whole number, got ${JSON.stringify(text)}.`);
  return value;
}

/** A number from the command line. */
export function number(name: string, text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !Number.isFinite(value)) throw new UsageError(`--${name}: expected a number, got ${JSON.stringify(text)}.`);
  return value;
}

/** One of a list of words. */
export function choice<T extends string>(name: string, text: string, allowed: readonly T[]): T {
  const found = allowed.find((word) => word === text);
  if (found === undefined) throw new UsageError(`--${name}: expected one of ${allowed.join(', ')}, got ${JSON.stringify(text)}.`);
  return found;
}

/** Words separated by commas, at least one. */
export function words(name: string, text: string): string[] {
  const found = text
    .split(',')
    .map((word) => word.trim())
    .filter((word) => word !== '');
  if (found.length === 0) throw new UsageError(`--${name}: expected at least one, separated by commas, got none.`);
  return found;
}

/** The one name an action works on. */
export function oneName(action: string, positionals: readonly string[]): string {
  const [name] = positionals;
  if (name === undefined || positionals.length !== 1)
    throw new UsageError(`models ${action}: expected one name, got ${positionals.length === 0 ? 'none' : positionals.join(' ')}.`);
  return name;
}
