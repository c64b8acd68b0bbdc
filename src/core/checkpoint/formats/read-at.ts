/** Exact reads from an open file: all the bytes asked for, or an error. */
import type { FileHandle } from 'node:fs/promises';
import { ProsamError } from '../../common/errors.ts';

/** `length` bytes from `offset`. @throws CHECKPOINT_INVALID where the file ends before */
export type ReadAt = (offset: number, length: number) => Promise<Uint8Array>;

/** size: bytes in the file, known before any memory is asked for. */
export function readerOf(handle: FileHandle, size: number, label: string): ReadAt {
  return async (offset, length) => {
    if (!(offset >= 0 && length >= 0 && offset + length <= size))
      throw cutShort(label, `expected bytes ${offset} to ${offset + length}, but the file has ${size}`);
    const bytes = new Uint8Array(length);
    for (let done = 0; done < length;) {
      const { bytesRead } = await handle.read(bytes, done, length - done, offset + done);
      if (bytesRead === 0) throw cutShort(label, `the file ended while being read, at byte ${offset + done}`);
      done += bytesRead;
    }
    return bytes;
  };
}

function cutShort(label: string, problem: string): ProsamError {
  return new ProsamError('CHECKPOINT_INVALID', `${label}: ${problem}. It is damaged or cut short; fetch or save it again.`);
}
