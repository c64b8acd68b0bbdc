/** Coordinates as people write them: pixels, percent, or shares of the image's sides. */
import { UNITS, type Units } from '../../core/mask/units.ts';
import type { Point } from '../../core/mask/raster.ts';
import { UsageError } from './command.ts';
import { numberIn } from './parse.ts';

export interface Written<T> {
  value: T;
  /** Absent for pixels that nobody called so. */
  units?: Units;
}

/**
 * Numbers of one annotation. Percent signs say percent; with a decimal point somewhere and nothing above 1 they are fractions; all else
 * is pixels. declared: by --units, which comes first.
 */
function numbersOf(name: string, parts: readonly string[], declared: Units | undefined): Written<number[]> {
  const percent = parts.filter((part) => part.trim().endsWith('%')).length;
  if (percent > 0 && percent < parts.length)
    throw new UsageError(`--${name}: expected a percent sign behind every number or none, got ${percent} of ${parts.length}.`);
  if (percent > 0 && declared !== undefined && declared !== 'percent')
    throw new UsageError(`--${name}: expected ${declared}, as --units says, got percent. Leave one of them out.`);
  const value = parts.map((part) => numberIn(name, percent > 0 ? part.trim().slice(0, -1) : part, { type: 'number' }));
  if (percent > 0) return { value, units: 'percent' };
  if (declared !== undefined) return { value, units: declared };
  const shares = value.every((number) => number >= 0 && number <= 1) && parts.some((part) => part.includes('.'));
  return { value, ...(shares && { units: 'fraction' }) };
}

/** x0,y0,x1,y1 @throws UsageError */
export function boxFrom(text: string, declared: Units | undefined): Written<number[]> {
  const parts = text.split(',');
  if (parts.length !== 4) throw new UsageError(`--box: expected x0,y0,x1,y1, got ${JSON.stringify(text)}.`);
  return numbersOf('box', parts, declared);
}

/** Lists of x,y;x,y whose units are decided together. @throws UsageError */
export function pointsFrom(texts: Readonly<Record<string, string>>, declared: Units | undefined): Written<Record<string, Point[]>> {
  const lists = Object.entries(texts).map(([name, text]) => ({ name, pairs: text.split(';').map((pair) => pair.split(',')), text }));
  for (const { name, pairs, text } of lists)
    if (pairs.some((pair) => pair.length !== 2))
      throw new UsageError(`--${name}: expected x,y pairs separated by ;, got ${JSON.stringify(text)}.`);
  const first = lists[0]?.name ?? 'points';
  const { value, ...units } = numbersOf(first, lists.flatMap(({ pairs }) => pairs.flat()), declared); // prettier-ignore
  let at = 0;
  const read = lists.map(({ name, pairs }) => [name, pairs.map((): Point => [value[at++] as number, value[at++] as number])]);
  return { value: Object.fromEntries(read) as Record<string, Point[]>, ...units };
}

/** Words for a choice that was made without --units. */
export function unitsNote(name: string, text: string): string {
  return `--${name} ${text}: read as shares of the image's width and height (0 to 1); --units pixels reads it as pixels. --units takes ${UNITS.join(', ')}.`;
}
