/** A square image in the making. */
export interface Canvas {
  /** Width and height, pixels. */
  readonly size: number;
  /** RGB, row-major, interleaved; nominally in [0, 1], unclamped. */
  readonly colours: Float32Array;
  /** Per pixel, row-major: number of the object that shows there, 0 for none. */
  readonly owners: Uint8Array;
}

/** An all-black canvas without objects. */
export function createCanvas(size: number): Canvas {
  return { size, colours: new Float32Array(size * size * 3), owners: new Uint8Array(size * size) };
}
