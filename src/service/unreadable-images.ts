/** Images whose bytes are missing from the object store or damaged: left out of references, and told to operators until they are whole again. */
import { createLruMap } from '../core/common/lru-map.ts';

export interface UnreadableImages {
  add(sha256: string): void;
  /** Its bytes were read, or written again. */
  remove(sha256: string): void;
  has(sha256: string): boolean;
  /** Oldest first. */
  list(): string[];
  /** Grows with every change: what was chosen without them is chosen anew. */
  readonly version: number;
  /** One sentence for the status; undefined where all can be read. */
  problem(): string | undefined;
}

/** Bounds the memory; a store that has lost more needs its backup anyway. */
const MAX_IMAGES = 10_000;
const MAX_NAMED = 3;

export function createUnreadableImages(): UnreadableImages {
  const images = createLruMap<string, string>({ max: MAX_IMAGES });
  let version = 0;
  return {
    add(sha256) {
      if (images.has(sha256)) return;
      images.set(sha256, sha256);
      version++;
    },
    remove(sha256) {
      if (images.delete(sha256)) version++;
    },
    has: (sha256) => images.has(sha256),
    list: () => images.values(),
    get version() {
      return version;
    },
    problem() {
      const { count } = images;
      if (count === 0) return undefined;
      const named = images.values().slice(0, MAX_NAMED).join(', ');
      const more = count > MAX_NAMED ? ` and ${count - MAX_NAMED} more` : '';
      const what = count === 1 ? 'the image' : `${count} images:`;
      return `${what} ${named}${more} ${count === 1 ? 'is' : 'are'} missing from the object store or damaged, and no reference meanwhile. Send the bytes again, or restore them from a backup.`;
    },
  };
}
