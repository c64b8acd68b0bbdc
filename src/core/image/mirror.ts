/** Left and right exchanged. data: row-major, channels interleaved. */
export function mirrorRows(data: Uint8Array, width: number, channels: number): Uint8Array {
  const out = new Uint8Array(data.length);
  const row = width * channels;
  for (let at = 0; at < data.length; at += row) {
    for (let x = 0; x < width; x++) out.set(data.subarray(at + x * channels, at + (x + 1) * channels), at + (width - 1 - x) * channels);
  }
  return out;
}
