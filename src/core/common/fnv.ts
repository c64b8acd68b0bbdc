/** FNV-1a of 64 bits, in hexadecimal digits: enough to tell things of one process apart. */
export function fnv1a(words: Iterable<bigint>): string {
  let hash = 0xcbf29ce484222325n;
  for (const word of words) hash = BigInt.asUintN(64, (hash ^ word) * 0x100000001b3n);
  return hash.toString(16);
}
