/** Arrays one behind the other in a new one. */
export function joinedFloats(parts: readonly ArrayLike<number>[]): Float32Array {
  return filled(new Float32Array(lengthOf(parts)), parts);
}

export function joinedBytes(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  return filled(new Uint8Array(lengthOf(parts)), parts);
}

function lengthOf(parts: readonly ArrayLike<number>[]): number {
  return parts.reduce((sum, { length }) => sum + length, 0);
}

function filled<A extends Float32Array | Uint8Array>(out: A, parts: readonly ArrayLike<number>[]): A {
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}
