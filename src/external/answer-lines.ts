/** Lines of a stream of bytes, bounded. */

/** -> takes pieces as they come. onLine: without its end. onTooLong: once, for a line of more than maxBytes; nothing follows. */
export function createLineReader(
  maxBytes: number,
  { onLine, onTooLong }: { onLine: (line: Buffer) => void; onTooLong: () => void },
): (piece: Buffer) => void {
  let held: Buffer[] = [];
  let bytes = 0;
  let over = false;
  return (piece) => {
    let from = 0;
    while (!over) {
      const end = piece.indexOf(0x0a, from);
      const part = piece.subarray(from, end === -1 ? undefined : end);
      bytes += part.length;
      if (bytes > maxBytes) {
        over = true;
        held = [];
        onTooLong();
        return;
      }
      held.push(part);
      if (end === -1) return;
      const line = held.length === 1 ? part : Buffer.concat(held);
      held = [];
      bytes = 0;
      from = end + 1;
      onLine(line);
    }
  };
}
