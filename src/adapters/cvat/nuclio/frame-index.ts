/** Index from image bytes to task and frame: CVAT sends a function the bytes of the frame's file, so their hash identifies it. */
import { createLruMap } from '../../../core/common/lru-map.ts';
import type { FrameIndex, KnownFrame } from '../types.ts';

/** entries: frames kept, some 300 bytes each; those not asked for the longest are forgotten first. */
export function createFrameIndex(entries = 100_000): FrameIndex {
  const hashes = new Map<string, string>();
  const keyOf = (server: string, task: number, frame: number): string => `${task}/${frame} ${server}`;
  const unlink = (sha256: string, { server, task, frame }: KnownFrame): void => {
    const key = keyOf(server, task, frame);
    if (hashes.get(key) === sha256) hashes.delete(key);
  };
  const frames = createLruMap<string, KnownFrame>({ max: entries, onDrop: unlink });
  return {
    get size() {
      return frames.count;
    },
    get: (sha256) => frames.get(sha256),
    sha256Of: (server, task, frame) => hashes.get(keyOf(server, task, frame)),
    imagesOf(server, task) {
      const [start, end] = [`${task}/`, ` ${server}`];
      return [...hashes].flatMap(([key, sha256]) => (key.startsWith(start) && key.endsWith(end) ? [sha256] : []));
    },
    add(sha256, frame) {
      const before = frames.peek(sha256);
      if (before) unlink(sha256, before);
      hashes.set(keyOf(frame.server, frame.task, frame.frame), sha256);
      frames.set(sha256, frame);
    },
  };
}
