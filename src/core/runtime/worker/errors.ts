/** Errors of calls whose worker died or hung. */
import { ProsamError } from '../../common/errors.ts';
import { MAX_REPEATS, type WaitingCall } from './call-queue.ts';

/** End of a worker. */
export interface WorkerEnd {
  /** 'was killed by SIGSEGV', 'ended with exit code 1', ... */
  how: string;
  /** It was silent for longer than this, and killed for it. */
  hungMs: number | undefined;
}

/** A start takes about as long. */
const RETRY_MS = 1000;

/** In a few words, for people who look after it. */
export function describeEnd({ how, hungMs }: WorkerEnd): string {
  return hungMs === undefined ? `the inference worker ${how}` : `the inference worker was silent for ${hungMs / 1000} s and was stopped`;
}

/** For the call it computed for, and for one that was with several that ended. */
export function lossOf({ request, losses }: WaitingCall, end: WorkerEnd): ProsamError {
  const options = { retryAfterMs: RETRY_MS };
  const often = losses > MAX_REPEATS ? `; it is the ${losses}th that ended with this call, which may be what it dies of` : '';
  if (end.hungMs === undefined) {
    return new ProsamError(
      'ENGINE_CRASHED',
      `${request.name}: expected an answer, but ${describeEnd(end)} while it computed it${often}. Another worker takes its place: ask again.`,
      options,
    );
  }
  return new ProsamError(
    'ENGINE_HUNG',
    `${request.name}: expected every network to finish within ${end.hungMs / 1000} s (inferenceTimeoutMs), but one did not${often}. ` +
      'The worker was stopped and another takes its place: ask again, or raise inferenceTimeoutMs if the device is that slow.',
    options,
  );
}

/** While nobody can answer. */
export function unavailable(problem: string, retryAfterMs: number): ProsamError {
  const seconds = Math.ceil(retryAfterMs / 1000);
  return new ProsamError(
    'ENGINE_UNAVAILABLE',
    `expected an inference worker, but several ended before they could answer: ${problem}. The next one is started in ${seconds} s.`,
    { retryAfterMs },
  );
}
