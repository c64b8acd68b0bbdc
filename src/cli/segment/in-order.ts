/** Runs work on many targets two at a time and reports it in the order of the targets. */

/** Result of one target, or the error it failed with. */
export type Outcome<T, R> = { target: T; result: R } | { target: T; error: unknown };

/** Two targets are in flight, so that one image is read while another is computed. @throws the error of an abort */
export async function inOrder<T, R>(
  targets: readonly T[],
  work: (target: T) => Promise<R>,
  report: (outcome: Outcome<T, R>) => void,
): Promise<void> {
  const start = (target: T): Promise<Outcome<T, R>> =>
    work(target).then(
      (result) => ({ target, result }),
      (error: unknown) => ({ target, error }),
    );
  let ahead: Promise<Outcome<T, R>> | undefined;
  for (const [i, target] of targets.entries()) {
    const current = ahead ?? start(target);
    const next = targets[i + 1];
    ahead = next === undefined ? undefined : start(next);
    const outcome = await current;
    if ('error' in outcome && outcome.error instanceof Error && outcome.error.name === 'AbortError') throw outcome.error;
    report(outcome);
  }
}
