/** Groups of points: eigenvectors and cuts against numpy, and rules at their bounds. */
import { describe, expect, it } from 'vitest';
import { groupsOf, secondVector, type CutRule } from '../../../../../src/core/engine/instances/cuts.ts';

/** Two groups of three, little between them. */
const WEIGHTS = [
  [0, 0.9, 0.8, 0.1, 0.05, 0],
  [0.9, 0, 0.7, 0.05, 0.1, 0.02],
  [0.8, 0.7, 0, 0.2, 0.1, 0.1],
  [0.1, 0.05, 0.2, 0, 0.9, 0.6],
  [0.05, 0.1, 0.1, 0.9, 0, 0.8],
  [0, 0.02, 0.1, 0.6, 0.8, 0],
];
/** Of WEIGHTS, by numpy 2: eigh of the scaled weights, the least cut of all bipartitions, (WEIGHTS + identity).mean(). */
const EIGEN = [0.4389913, 0.42067991, 0.3497846, -0.3800471, -0.43349468, -0.41906127];
const COST = 0.26577313;
const AGREED = 0.46777778;

const rows = (values: number[][]): Float64Array[] => values.map((row) => Float64Array.from(row));
const bonds = (strength: number[][], agreement = strength) => ({ strength: rows(strength), agreement: rows(agreement) });
const rule = (mostCost: number, agreementWeight = 0, leastPoints = 2): CutRule => ({ mostCost, agreementWeight, leastPoints });

describe('second eigenvector', () => {
  it('is that of numpy.linalg.eigh for the scaled weights, up to its sign', () => {
    const degree = WEIGHTS.map((row) => row.reduce((sum, value) => sum + value, 0));
    const scaled = WEIGHTS.map((row, i) => row.map((value, j) => value / Math.sqrt((degree[i] as number) * (degree[j] as number))));
    const found = secondVector(rows(scaled));
    const sign = Math.sign(found[0] as number);
    EIGEN.forEach((value, i) => expect(sign * (found[i] as number)).toBeCloseTo(value, 7));
  });

  it('exists for two points, and for points without any bond', () => {
    expect(
      [
        ...secondVector(
          rows([
            [0, 1],
            [1, 0],
          ]),
        ),
      ].map((value) => Math.abs(value)),
    ).toEqual([Math.SQRT1_2, Math.SQRT1_2].map((value) => expect.closeTo(value, 9) as unknown));
    expect(
      secondVector(
        rows([
          [0, 0, 0],
          [0, 0, 0],
          [0, 0, 0],
        ]),
      ),
    ).toHaveLength(3);
  });
});

describe('groups', () => {
  it('are cut where that costs least of all ways, and only up to the cost that the rule allows', () => {
    expect(groupsOf(bonds(WEIGHTS), rule(COST + 1e-4))).toEqual([
      [0, 1, 2],
      [3, 4, 5],
    ]);
    expect(groupsOf(bonds(WEIGHTS), rule(COST - 1e-4))).toEqual([[0, 1, 2, 3, 4, 5]]);
  });

  it('stay whole where the masks agree, points agreeing with themselves', () => {
    expect(groupsOf(bonds(WEIGHTS), rule(COST + AGREED + 1e-4, 1))).toHaveLength(2);
    expect(groupsOf(bonds(WEIGHTS), rule(COST + AGREED - 1e-4, 1))).toHaveLength(1);
  });

  it('have as many points as the rule wants, also when everything may be cut', () => {
    expect(groupsOf(bonds(WEIGHTS), rule(9, 0, 3))).toEqual([
      [0, 1, 2],
      [3, 4, 5],
    ]);
    expect(groupsOf(bonds(WEIGHTS), rule(9, 0, 4))).toHaveLength(1);
    for (const points of groupsOf(bonds(WEIGHTS), rule(9, 0, 2))) expect(points.length).toBeGreaterThanOrEqual(2);
    expect(groupsOf(bonds([[0]]), rule(9))).toEqual([[0]]);
    expect(groupsOf(bonds([]), rule(9))).toEqual([[]]);
  });

  it('are cut again: three pairs without bonds between them are three groups', () => {
    const pairs = Array.from({ length: 6 }, (_, i) => Array.from({ length: 6 }, (__, j) => (i !== j && i >> 1 === j >> 1 ? 1 : 0)));
    expect(groupsOf(bonds(pairs), rule(0.5))).toEqual([
      [0, 1],
      [2, 3],
      [4, 5],
    ]);
  });
});
