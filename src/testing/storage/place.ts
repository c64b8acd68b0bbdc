/** Storage under test: an empty place, opened twice. */
import type { Storage } from '../../service/ports/storage.ts';
import type { TestRunner } from '../test-runner.ts';

/** An empty place that can be opened more than once, as several processes do. */
export interface StoragePlace {
  /** pollMs: time between looks of workers for messages they did not hear of, where they look at all. */
  open(options?: { pollMs?: number }): Promise<Storage>;
  /** true: workers hear at once of messages that another opening of the place sends, not only of their own. @default false */
  wakesOthers?: boolean;
  remove(): Promise<void>;
}

/** Two storages on one place, for all tests of a suite: `first()` and `second()` once the tests run. */
export function openTwice(
  { beforeAll, afterAll }: TestRunner,
  make: () => Promise<StoragePlace>,
): { first: () => Storage; second: () => Storage } {
  let place: StoragePlace | undefined;
  const opened: Storage[] = [];
  beforeAll(async () => {
    place = await make();
    opened.push(await place.open(), await place.open());
  });
  afterAll(async () => {
    for (const storage of opened) await storage.close();
    await place?.remove();
  });
  return { first: () => opened[0] as Storage, second: () => opened[1] as Storage };
}
