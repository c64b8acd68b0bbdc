/** Many targets, one after another in their order, a few under way at once. */
import { isOwnError, ProsamError, type ErrorCode } from '../common/errors.ts';
import { DEFAULT_CONCURRENCY, MAX_CONCURRENCY } from './defaults.ts';
import type { PredictManyOptions, PredictOptions } from './types.ts';
import type { Prediction, TargetResult } from './results.ts';

/** Codes that a target can be the reason of; all others concern every target. */
const OF_ONE_TARGET = /^(IMAGE_|FILE_|URL_|REQUEST_TOO_LARGE$|ENGINE_(CRASHED|HUNG|FAILED|UNAVAILABLE)$)/;

/**
 * Targets are taken from the source only when a slot is free, so an endless source is read as fast as its results are.
 * Leaving the loop early gives up what is under way.
 */
export async function* predictMany<Target>(
  predict: (target: Target, options: PredictOptions) => Promise<Prediction>,
  targets: Iterable<Target> | AsyncIterable<Target>,
  { concurrency = DEFAULT_CONCURRENCY, signal, ...options }: PredictManyOptions = {},
): AsyncGenerator<TargetResult<Target>, void, undefined> {
  if (!(Number.isInteger(concurrency) && concurrency >= 1 && concurrency <= MAX_CONCURRENCY))
    throw new ProsamError('OPTION_INVALID', `concurrency: expected a whole number from 1 to ${MAX_CONCURRENCY}, got ${concurrency}.`);
  signal?.throwIfAborted();
  const leave = new AbortController();
  const stop = signal ? AbortSignal.any([signal, leave.signal]) : leave.signal;
  const stopped = rejectionOf(stop);
  const source = iteratorOf(targets);
  /** In the order of the targets. */
  const running: Promise<TargetResult<Target>>[] = [];
  let reading: Promise<IteratorResult<Target, unknown>> | undefined;
  let [index, ended] = [0, false];

  const start = async (target: Target, at: number): Promise<TargetResult<Target>> => {
    try {
      return { index: at, target, prediction: await predict(target, { ...options, signal: stop }) };
    } catch (error) {
      if (isOwnError(error) && concernsTarget(error.code)) return { index: at, target, error };
      throw error;
    }
  };
  try {
    for (;;) {
      if (!ended && running.length < concurrency) reading ??= source.next();
      const [first] = running;
      if (first === undefined && reading === undefined) return;
      const event = await Promise.race([
        stopped,
        ...(first ? [first.then((result) => ({ result }))] : []),
        ...(reading ? [reading.then((next) => ({ next }))] : []),
      ]);
      if ('result' in event) {
        void running.shift();
        yield event.result;
        continue;
      }
      reading = undefined;
      if (event.next.done === true) ended = true;
      else running.push(quiet(start(event.next.value, index++)));
    }
  } finally {
    leave.abort();
    await Promise.allSettled(running);
    if (!ended) await source.return?.();
  }
}

function concernsTarget(code: ErrorCode): boolean {
  return OF_ONE_TARGET.test(code);
}

/** A failure is met when its turn comes. */
function quiet<T>(work: Promise<T>): Promise<T> {
  work.catch(() => undefined);
  return work;
}

function rejectionOf(signal: AbortSignal): Promise<never> {
  return quiet(
    new Promise<never>((_, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
    }),
  );
}

interface Source<T> {
  next(): Promise<IteratorResult<T, unknown>>;
  return?(): Promise<unknown>;
}

function iteratorOf<T>(targets: Iterable<T> | AsyncIterable<T>): Source<T> {
  const given: unknown = targets; // callers without types
  if (typeof given !== 'object' || given === null || !(Symbol.asyncIterator in given || Symbol.iterator in given))
    throw new ProsamError('OPTION_INVALID', 'targets: expected a list (or another iterable) of images, got a single one. Wrap it in [ ].');
  if (Symbol.asyncIterator in targets) {
    const iterator = targets[Symbol.asyncIterator]();
    return { next: () => quiet(iterator.next()), ...(iterator.return && { return: () => (iterator.return as () => Promise<unknown>)() }) };
  }
  const iterator = targets[Symbol.iterator]();
  return {
    next: () => Promise.resolve(iterator.next()),
    return: () => Promise.resolve(iterator.return?.()),
  };
}
