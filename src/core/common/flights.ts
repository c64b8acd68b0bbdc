/** One run for all who ask for the same thing at the same time; a run that has failed or hangs is shared with nobody more. */
import { within } from './patience.ts';

export interface FlightsOptions {
  /** A run that takes longer has failed for those who wait for it, and whoever asks next starts another. @default no limit */
  patienceMs?: number | undefined;
  /** Error of such a run. */
  late?: (key: string) => Error;
}

export interface Flights<T> {
  /** signal: of one caller; ends that one's waiting and nobody else's. */
  share(key: string, start: () => Promise<T>, options?: { signal?: AbortSignal | undefined }): Promise<T>;
}

export function createFlights<T>({ patienceMs, late }: FlightsOptions = {}): Flights<T> {
  const running = new Map<string, Promise<T>>();
  const launch = (key: string, start: () => Promise<T>): Promise<T> => {
    const flight: Promise<T> = within(start(), { ms: patienceMs, ...(late && { late: () => late(key) }) }).finally(() => {
      if (running.get(key) === flight) running.delete(key);
    });
    // Those who wait hear of a failure; where all have gone, nobody needs to.
    flight.catch(() => undefined);
    running.set(key, flight);
    return flight;
  };
  return {
    // A function that is async, so that a start that throws rejects.
    async share(key, start, { signal } = {}) {
      signal?.throwIfAborted();
      return within(running.get(key) ?? launch(key, start), { signal });
    },
  };
}
