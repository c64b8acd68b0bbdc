/** Masks for tests: drawn as text, or of any size and density. */
import fc from 'fast-check';
import type { BinaryMask } from '../../../../src/core/mask/label-reduction.ts';

/** '#' is set, anything else is not. */
export function maskOf(...rows: readonly string[]): BinaryMask {
  const width = rows[0]?.length ?? 0;
  return { data: Uint8Array.from(rows.join(''), (char) => (char === '#' ? 1 : 0)), width, height: rows.length };
}

export function textOf({ data, width, height }: BinaryMask): string[] {
  return Array.from({ length: height }, (_, y) =>
    Array.from(data.subarray(y * width, (y + 1) * width), (value) => (value === 0 ? '.' : '#')).join(''),
  );
}

/** Sides from 1 to `maxSide`; from sparse to nearly full. */
export function anyMask(maxSide: number): fc.Arbitrary<BinaryMask> {
  const side = fc.integer({ min: 1, max: maxSide });
  return fc
    .tuple(side, side, fc.integer({ min: 1, max: 255 }))
    .chain(([width, height, threshold]) =>
      fc
        .uint8Array({ minLength: width * height, maxLength: width * height })
        .map((levels) => ({ data: levels.map((level) => (level >= threshold ? 1 : 0)), width, height })),
    );
}

/** At least one pixel is set. */
export function anyMarkedMask(maxSide: number): fc.Arbitrary<BinaryMask> {
  return fc.tuple(anyMask(maxSide), fc.nat()).map(([mask, at]) => {
    mask.data[at % mask.data.length] = 1;
    return mask;
  });
}
