/** Checks the options of a call once, at the door. */
import { DISTRIBUTIONS } from '../networks/prompt-distribution.ts';
import { ProsamError } from '../common/errors.ts';
import { checkReading, joinedReading, type ImageReading } from '../image/values/reading.ts';
import { kindOf } from '../mask/annotation.ts';
import { MAX_CLEAN_AREA } from '../mask/clean-mask.ts';
import { MAX_POINTS, MAX_REFERENCES, MAX_SAMPLES } from './defaults.ts';
import { DENSE, STRATEGIES } from './strategy.ts';
import { METHODS, type PredictOptions, type Reference } from './types.ts';

/** @throws OPTION_INVALID */
export function checkPredictOptions(options: PredictOptions): void {
  checkReading(options);
  oneOf('method', options.method, [...METHODS, 'auto']);
  oneOf('strategy', options.strategy, STRATEGIES);
  oneOf('dense', options.dense, DENSE);
  if (options.promptEncoder !== undefined && typeof options.promptEncoder !== 'string')
    throw new ProsamError(
      'OPTION_INVALID',
      `promptEncoder: expected the name of a loaded prompt encoder, got ${typeof options.promptEncoder}.`,
    );
  oneOf('distribution', options.distribution, DISTRIBUTIONS);
  oneOf('labelReduction.kind', options.labelReduction?.kind, ['nearest', 'any', 'area']);
  number('samples', options.samples, 0, MAX_SAMPLES, true);
  number('seed', options.seed, Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER, true);
  number('nu', options.nu, Number.MIN_VALUE, 1e6);
  number('threshold', options.threshold, 0, 1);
  number('promptReferences', options.promptReferences, 1, MAX_REFERENCES, true);
  number('maxPoints', options.maxPoints, 1, MAX_POINTS, true);
  number('minInstanceShare', options.minInstanceShare, 0, 1);
  number('minArea', options.minArea, 0, MAX_CLEAN_AREA);
  if (typeof options.fillHoles === 'string')
    throw new ProsamError('OPTION_INVALID', `fillHoles: expected true, false or a number, got ${JSON.stringify(options.fillHoles)}.`);
  if (typeof options.fillHoles !== 'boolean') number('fillHoles', options.fillHoles, 0, MAX_CLEAN_AREA);
  flag('largestOnly', options.largestOnly);
  if ((options.others?.length ?? 0) > MAX_REFERENCES)
    throw new ProsamError(
      'OPTION_INVALID',
      `others: expected at most ${MAX_REFERENCES} images, got ${options.others?.length}. Send fewer.`,
    );
  if (options.labelReduction?.kind === 'area') number('labelReduction.threshold', options.labelReduction.threshold, 0, 1);
}

/** Way in which a call has its images read. */
export function readingOf(options: ImageReading): ImageReading {
  return joinedReading(options, {});
}

/** @throws REFERENCE_MISSING, OPTION_INVALID, ANNOTATION_INVALID */
export function checkReferences(references: readonly Reference[]): void {
  if (references.length === 0)
    throw new ProsamError('REFERENCE_MISSING', 'expected at least one reference (an image with the object marked), got none.');
  if (references.length > MAX_REFERENCES) {
    throw new ProsamError(
      'OPTION_INVALID',
      `expected at most ${MAX_REFERENCES} references in one call, got ${references.length}. Choose the best ones.`,
    );
  }
  for (const reference of references as readonly (Partial<Reference> | null | undefined)[]) {
    kindOf(reference as Reference);
    checkReading(reference as Reference);
    if (reference?.image) continue;
    throw new ProsamError('ANNOTATION_INVALID', 'expected references with an image, such as { image, box }, got one without.');
  }
}

/** Pixels of the target times labels: each has a mask, and maps of numbers on its way there. */
const MAX_RESULT_PIXELS = 2 ** 30;

/** @throws REQUEST_TOO_LARGE for more masks than fit into memory together */
export function checkResultPixels({ width, height }: { width: number; height: number }, labels: number): void {
  if (width * height * labels <= MAX_RESULT_PIXELS) return;
  throw new ProsamError(
    'REQUEST_TOO_LARGE',
    `expected at most ${MAX_RESULT_PIXELS} pixels times labels, got ${labels} labels for an image of ${width} x ${height}. ` +
      'Ask for fewer labels at a time, or shrink the image.',
  );
}

function oneOf(name: string, value: string | undefined, allowed: readonly string[]): void {
  if (value === undefined || allowed.includes(value)) return;
  throw new ProsamError('OPTION_INVALID', `${name}: expected one of ${allowed.join(', ')}, got ${JSON.stringify(value)}.`);
}

function flag(name: string, value: unknown): void {
  if (value === undefined || typeof value === 'boolean') return;
  throw new ProsamError('OPTION_INVALID', `${name}: expected true or false, got ${JSON.stringify(value)}.`);
}

function number(name: string, value: number | undefined, low: number, high: number, whole = false): void {
  if (value === undefined) return;
  if (typeof value === 'number' && value >= low && value <= high && (!whole || Number.isInteger(value))) return;
  const got = typeof value === 'number' ? String(value) : JSON.stringify(value);
  throw new ProsamError('OPTION_INVALID', `${name}: expected a ${whole ? 'whole ' : ''}number from ${low} to ${high}, got ${got}.`);
}
