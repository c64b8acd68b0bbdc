/** Work on many targets, a few under way at once, outcomes in the order of the targets. */
import { ProsamError } from './errors.ts';

/** Outcome of one target, or the error it failed with. */
export type Outcome<Target, Result> = { index: number; target: Target } & ({ result: Result } | { error: unknown });

export interface MapInOrderOptions {
  /** Targets under way at once. */
  concurrency: number;
  /** Ends the work with its reason. */
  signal?: AbortSignal | undefined;
}

/**
 * Targets are taken from the source only when a slot is free, so an endless source is read as fast as its outcomes are.
 * Leaving the loop early aborts `signal` of what is under way. An error of one target is its outcome; the source's own end the loop.
 * @throws OPTION_INVALID for a source that is no iterable, the signal's reason
 */
export async function* mapInOrder<Target, Result>(
  targets: Iterable<Target> | AsyncIterable<Target>,
  work: (target: Target, signal: AbortSignal) => Promise<Result>,
  { concurrency, signal }: MapInOrderOptions,
): AsyncGenerator<Outcome<Target, Result>, void, undefined> {
  signal?.throwIfAborted();
  const leave = new AbortController();
  const stop = signal ? AbortSignal.any([signal, leave.signal]) : leave.signal;
  const stopped = rejectionOf(stop);
  const source = iteratorOf(targets);
  /** In the order of the targets. */
  const running: Promise<Outcome<Target, Result>>[] = [];
  let reading: Promise<IteratorResult<Target, unknown>> | undefined;
  let [next, ended] = [0, false];

  const start = async (target: Target, index: number): Promise<Outcome<Target, Result>> => {
    try {
      return { index, target, result: await work(target, stop) };
    } catch (error) {
      return { index, target, error };
    }
  };
  try {
    for (;;) {
      if (!ended && running.length < concurrency) reading ??= source.next();
      const [first] = running;
      if (first === undefined && reading === undefined) return;
      const event = await Promise.race([
        stopped,
        ...(first ? [first.then((outcome) => ({ outcome }))] : []),
        ...(reading ? [reading.then((read) => ({ read }))] : []),
      ]);
      if ('outcome' in event) {
        void running.shift();
        yield event.outcome;
        continue;
      }
      reading = undefined;
      if (event.read.done === true) ended = true;
      else running.push(start(event.read.value, next++));
    }
  } finally {
    leave.abort();
    await Promise.allSettled(running);
    if (!ended) await source.return?.();
  }
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
