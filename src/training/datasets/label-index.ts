/** Classes and areas of every image: read from the label maps once, a few at a time. */
import type { DatasetImage } from '../types.ts';
import type { ClassPixels } from './label-check.ts';

/** Called after each unit of work. `what` names the units and starts another count where it changes. */
export type DatasetProgress = (done: number, total: number, what: string) => void;

export interface IndexOptions {
  onProgress?: DatasetProgress;
  signal?: AbortSignal;
}

/** An image and what its label map shows. */
export interface IndexedImage {
  image: DatasetImage;
  /** Every class with at least one pixel. */
  classes: ClassPixels;
  /** Width x height. */
  pixels: number;
}

/** Files in flight at once: decoding is the bottleneck and blocks the thread, reading ahead hides the disk. */
const READ_AHEAD = 8;

/** `read` for every item, in order of the items. @throws the first error of `read`; the signal's reason */
export async function indexAll<Item, Result>(
  items: readonly Item[],
  read: (item: Item) => Promise<Result>,
  what: string,
  { onProgress, signal }: IndexOptions,
): Promise<Result[]> {
  const results = new Array<Result>(items.length);
  let next = 0;
  let done = 0;
  let failed = false;
  const worker = async (): Promise<void> => {
    while (next < items.length && !failed) {
      signal?.throwIfAborted();
      const at = next++;
      try {
        results[at] = await read(items[at] as Item);
      } catch (error) {
        failed = true;
        throw error;
      }
      onProgress?.(++done, items.length, what);
    }
  };
  await Promise.all(Array.from({ length: Math.min(READ_AHEAD, items.length) }, worker));
  return results;
}
