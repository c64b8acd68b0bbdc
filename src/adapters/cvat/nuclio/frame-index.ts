/** Which frame of which task an image is: the bytes CVAT sends to a function are those of the frame's file, so their hash tells. */
import type { FrameBook, KnownFrame } from '../types.ts';

/** entries: frames kept, some 300 bytes each; those not asked for the longest are forgotten first. */
export function createFrameBook(entries = 100_000): FrameBook {
  const frames = new Map<string, KnownFrame>();
  const hashes = new Map<string, string>();
  const keyOf = (server: string, task: number, frame: number): string => `${task}/${frame} ${server}`;
  const drop = (sha256: string): void => {
    const known = frames.get(sha256);
    if (known === undefined) return;
    frames.delete(sha256);
    const key = keyOf(known.server, known.task, known.frame);
    if (hashes.get(key) === sha256) hashes.delete(key);
  };
  return {
    get size() {
      return frames.size;
    },
    get(sha256) {
      const known = frames.get(sha256);
      if (known === undefined) return undefined;
      frames.delete(sha256); // the order of the map is the order of use
      frames.set(sha256, known);
      return known;
    },
    sha256Of: (server, task, frame) => hashes.get(keyOf(server, task, frame)),
    add(sha256, frame) {
      drop(sha256);
      frames.set(sha256, frame);
      hashes.set(keyOf(frame.server, frame.task, frame.frame), sha256);
      for (const oldest of frames.keys()) {
        if (frames.size <= entries) break;
        drop(oldest);
      }
    },
  };
}
