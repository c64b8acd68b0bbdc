/** LZW as TIFF has it: codes of 9 to 12 bits, highest bit first, one code early. */
import { PAUSE_AFTER, type Steps } from '../../mask/cooperative.ts';

const CLEAR = 256;
const END = 257;
const FIRST = 258;
const MOST = 4096;

/** @throws RangeError for damaged data; fewer bytes than `length` where the data end early */
export function* unpackLzw(packed: Uint8Array, length: number): Steps<Uint8Array> {
  const out = new Uint8Array(length);
  const prefix = new Uint16Array(MOST);
  const last = new Uint8Array(MOST);
  const sizes = new Uint16Array(MOST);
  for (let i = 0; i < 256; i++) {
    last[i] = i;
    sizes[i] = 1;
  }
  let [at, next, bits, previous, buffer, held, unpaused] = [0, FIRST, 9, -1, 0, 0, 0];
  const firstOf = (code: number): number => {
    let found = code;
    while (found >= FIRST) found = prefix[found] as number;
    return found;
  };
  for (let from = 0; at < length;) {
    while (held < bits && from < packed.length) {
      buffer = ((buffer << 8) | (packed[from++] as number)) & 0xffffff;
      held += 8;
    }
    if (held < bits) break;
    const code = (buffer >> (held - bits)) & ((1 << bits) - 1);
    held -= bits;
    if (code === END) break;
    if (code === CLEAR) {
      [next, bits, previous] = [FIRST, 9, -1];
      continue;
    }
    if (previous >= 0 && next < MOST) {
      prefix[next] = previous;
      sizes[next] = (sizes[previous] as number) + 1;
      last[next] = firstOf(code === next ? previous : code);
      next++;
    }
    if (code >= next || (previous < 0 && code > 255)) throw new RangeError(`the LZW code ${code} has no meaning here`);
    const size = sizes[code] as number;
    for (let place = at + size - 1, letter = code; place >= at; place--) {
      if (place < length) out[place] = last[letter] as number;
      letter = prefix[letter] as number;
    }
    at += size;
    previous = code;
    if (next >= (1 << bits) - 1 && bits < 12) bits++;
    unpaused += size;
    if (unpaused < PAUSE_AFTER) continue;
    unpaused = 0;
    yield;
  }
  return at < length ? out.subarray(0, at) : out;
}

/** PackBits: runs and literals. */
export function* unpackPackBits(packed: Uint8Array, length: number): Steps<Uint8Array> {
  const out = new Uint8Array(length);
  let at = 0;
  let unpaused = 0;
  for (let from = 0; from < packed.length && at < length;) {
    const head = packed[from++] as number;
    if (head === 128) continue;
    const count = head < 128 ? head + 1 : 257 - head;
    const room = Math.min(count, length - at);
    if (head < 128) {
      const given = packed.subarray(from, from + room);
      out.set(given, at);
      from += count;
      if (given.length < room) {
        at += given.length;
        break;
      }
    } else out.fill(packed[from++] ?? 0, at, at + room);
    at += room;
    unpaused += count + 16;
    if (unpaused < PAUSE_AFTER) continue;
    unpaused = 0;
    yield;
  }
  return out.subarray(0, at);
}
