/** Pieces of a body, put together as they come: ten million of one byte each take ten million bytes, not a hundred for each. */

export interface GatheredBytes {
  /** Copies what is small; keeps what is large as it is. */
  add(piece: Buffer): void;
  /** All of it, in order. */
  pieces(): Buffer[];
}

const BLOCK_BYTES = 64 * 1024;

/** expected: bytes that are to come, 0 where nobody knows; more than that may come. */
export function gatherBytes(expected: number): GatheredBytes {
  const done: Buffer[] = [];
  let block: Buffer | undefined;
  let filled = 0;
  const endBlock = (): void => {
    if (block !== undefined && filled > 0) done.push(block.subarray(0, filled));
    block = undefined;
    filled = 0;
  };
  return {
    add(piece) {
      if (block !== undefined && filled + piece.byteLength > block.byteLength) endBlock();
      if (block === undefined) {
        // Memory is taken with the first byte: an announcement alone takes none.
        const size = done.length === 0 && expected > 0 ? Math.max(expected, piece.byteLength) : BLOCK_BYTES;
        if (piece.byteLength >= size) {
          done.push(piece);
          return;
        }
        block = Buffer.allocUnsafeSlow(size);
      }
      piece.copy(block, filled);
      filled += piece.byteLength;
    },
    pieces() {
      endBlock();
      return done;
    },
  };
}
