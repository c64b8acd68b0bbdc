/** The part above the floor, in [0, 1): Python's `value % 1`, which unlike JavaScript's `%` never is negative. */
export function fraction(value: number): number {
  return value - Math.floor(value);
}
