/** Masks in Label Studio's answers: long lists of numbers become bytes as soon as they are read. */
import { setImmediate as nextTurn } from 'node:timers/promises';

/** Changes what it is given; a list that is none of bytes stays as it is and is judged where the mask is read. */
export async function compactResults<T extends { result: unknown[] }>(holders: T[]): Promise<T[]> {
  for (const { result } of holders) {
    for (const region of result) {
      const value = (region as { value?: { rle?: unknown } } | null)?.value;
      if (!Array.isArray(value?.rle)) continue;
      const bytes = bytesOf(value.rle);
      if (bytes) value.rle = bytes;
      // A mask of a large image is some hundred thousand numbers.
      if ((bytes?.length ?? 0) > 10_000) await nextTurn();
    }
  }
  return holders;
}

function bytesOf(list: readonly unknown[]): Uint8Array | undefined {
  const bytes = new Uint8Array(list.length);
  for (let i = 0; i < list.length; i++) {
    const one = list[i];
    if (!Number.isInteger(one) || (one as number) < 0 || (one as number) > 255) return undefined;
    bytes[i] = one as number;
  }
  return bytes;
}
