/** Predictions of many targets, in their order, a few under way at once. */
import { isOwnError, ProsamError, type ErrorCode } from '../common/errors.ts';
import { mapInOrder } from '../common/map-in-order.ts';
import { DEFAULT_CONCURRENCY, MAX_CONCURRENCY } from './defaults.ts';
import type { PredictManyOptions, PredictOptions } from './types.ts';
import type { Prediction, TargetResult } from './results.ts';

/** Codes that a target can be the reason of; all others concern every target. */
const OF_ONE_TARGET = /^(IMAGE_|FILE_|URL_|EXTERNAL_|REQUEST_TOO_LARGE$|ENGINE_(CRASHED|HUNG|FAILED|UNAVAILABLE)$)/;

/** Leaving the loop early gives up what is under way. */
export async function* predictMany<Target>(
  predict: (target: Target, options: PredictOptions) => Promise<Prediction>,
  targets: Iterable<Target> | AsyncIterable<Target>,
  { concurrency = DEFAULT_CONCURRENCY, signal, ...options }: PredictManyOptions = {},
): AsyncGenerator<TargetResult<Target>, void, undefined> {
  if (!(Number.isInteger(concurrency) && concurrency >= 1 && concurrency <= MAX_CONCURRENCY))
    throw new ProsamError('OPTION_INVALID', `concurrency: expected a whole number from 1 to ${MAX_CONCURRENCY}, got ${concurrency}.`);
  const work = (target: Target, stop: AbortSignal): Promise<Prediction> => predict(target, { ...options, signal: stop });
  for await (const { index, target, ...outcome } of mapInOrder(targets, work, { concurrency, signal })) {
    if ('result' in outcome) yield { index, target, prediction: outcome.result };
    else if (isOwnError(outcome.error) && concernsTarget(outcome.error.code)) yield { index, target, error: outcome.error };
    else throw outcome.error;
  }
}

function concernsTarget(code: ErrorCode): boolean {
  return OF_ONE_TARGET.test(code);
}
