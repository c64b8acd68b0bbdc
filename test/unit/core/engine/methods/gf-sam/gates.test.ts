import { describe, expect, test } from 'vitest';
import { acceptedMasks, verdictsOf } from '../../../../../../src/core/engine/methods/gf-sam/accepted-masks.ts';
import { clustersOf, membersOf } from '../../../../../../src/core/engine/methods/gf-sam/clusters.ts';
import { averaged, meanCosine, middleOf, pointMap } from '../../../../../../src/core/engine/methods/gf-sam/maps.ts';
import { overshootingGate } from '../../../../../../src/core/engine/methods/gf-sam/overshooting-gate.ts';
import { favourMap, positiveGate } from '../../../../../../src/core/engine/methods/gf-sam/positive-gate.ts';
import type { UnitCells } from '../../../../../../src/core/engine/methods/gf-sam/unit-cells.ts';

/** Cells with features of two channels of length 1, by their angle. */
function cellsAt(...degrees: number[]): UnitCells {
  const angles = degrees.map((angle) => (angle * Math.PI) / 180);
  const data = Float32Array.from([...angles.map(Math.cos), ...angles.map(Math.sin)]);
  return { data, channels: 2, count: degrees.length, lengths: new Float64Array(degrees.length).fill(1) };
}

describe('clusters', () => {
  test('hold together whichever way an edge runs, and are numbered by their smallest member', () => {
    const edges = new Set(['4>0', '2>4', '3>3']);
    const clusters = clustersOf(5, (i, j) => edges.has(`${i}>${j}`));
    expect([...clusters]).toEqual([0, 1, 0, 2, 0]);
    expect(membersOf(clusters)).toEqual([[0, 2, 4], [1], [3]]);
  });
});

describe('maps', () => {
  test('weigh the cells of the pool', () => {
    const mean = meanCosine(cellsAt(0, 90), cellsAt(0, 60, 180), [1, 0.5, 0]);
    expect(mean[0]).toBeCloseTo((1 + 0.5 * 0.5) / 1.5, 5);
    expect(mean[1]).toBeCloseTo((0.5 * Math.sin(Math.PI / 3)) / 1.5, 5);
    expect([...meanCosine(cellsAt(0), cellsAt(0, 90), [0, 0])]).toEqual([0]);
  });

  test('leave out of the points what is closer to the rest', () => {
    const maps = { mean: Float64Array.of(0.9, 0.5, 0.1), top: Float64Array.of(1, 0.8, 0), rest: Float64Array.of(0.2, 0.9, 0.1) };
    expect(pointMap(maps).map((value) => Math.round(value * 1e4) / 1e4)).toEqual(Float64Array.of(1, 0, 0));
    expect(middleOf(maps.mean)).toBeCloseTo(0.5);
    expect(averaged([Float64Array.of(1, 2), Float64Array.of(3, 6)])).toEqual(Float64Array.of(2, 4));
  });
});

describe('the positive gate', () => {
  test('takes up what a mask adds to better ones of its cluster, and knows the gain of the last', () => {
    const favour = Float64Array.of(1, 1, 1, -0.1, -0.1, -0.1);
    const masks = [
      [1, 1, 1, 1, 1, 1], // adds nothing of the object to the next two
      [1, 1, 0, 0, 0, 0],
      [0, 1, 1, 1, 0, 0], // one of the object against one of the rest
      [0, 0, 1, 1, 0, 0], // another cluster
    ];
    const { growth, residual, scores } = positiveGate(favour, masks, Int32Array.of(0, 0, 0, 1));
    expect(scores[1]).toBeCloseTo(1, 5);
    expect([...growth]).toEqual([0, 1, 0, 0]);
    // After the second mask the first would add one of the object and three of the rest.
    expect([...residual]).toEqual([-2, -2, -2, 0]);
  });

  test('favours what is closer to the object than half way', () => {
    const favour = favourMap({ mean: Float64Array.of(0.8, 0.2), rest: Float64Array.of(0.4, 0.4) });
    expect(favour[0]).toBeCloseTo(0.64 - 0.2);
    expect(favour[1]).toBeCloseTo(0.04 - 0.2);
  });
});

describe('the overshooting gate', () => {
  const target = cellsAt(0, 5, 90, 95, 4);
  const at = (x: number) => ({ x, y: 0, cell: x });
  const regions = [
    [1, 1, 0, 0, 0],
    [0, 0, 1, 1, 0],
  ];

  test('drops a cluster whose points resemble another more', () => {
    const { agrees } = overshootingGate(target, regions, [at(0), at(2), at(4)], Int32Array.of(0, 1, 1));
    expect([...agrees]).toEqual([1, 1, 0]); // half of the second cluster agree: it stays
    const none = overshootingGate(target, regions, [at(0), at(1), at(4)], Int32Array.of(0, 1, 1));
    expect([...none.agrees]).toEqual([1, 0, 0]);
  });

  test('divides by the distance in cells to the nearest point of a cluster', () => {
    const { pull } = overshootingGate(target, regions, [at(0), at(1), at(4)], Int32Array.of(0, 0, 1));
    expect((pull[0] as Float64Array)[2]).toBeCloseTo(Math.cos(Math.PI / 90) / 3, 2);
    expect((pull[0] as Float64Array)[1]).toBeCloseTo(1, 2);
  });
});

describe('accepted masks', () => {
  test('are those through both gates', () => {
    const verdicts = verdictsOf({ growth: Uint8Array.of(1, 1, 0, 0) }, { agrees: Uint8Array.of(1, 0, 1, 0) });
    expect([...verdicts]).toEqual([1, 2, 2, 0]);
    expect(acceptedMasks(verdicts, Float64Array.of(0, 9, 9, 9))).toEqual([0]);
  });

  test('are the best of those through one gate where none passed both, however little it gains', () => {
    expect(acceptedMasks(Uint8Array.of(0, 2, 2), Float64Array.of(0, -3, -1))).toEqual([2]);
    expect(acceptedMasks(Uint8Array.of(2, 2), Float64Array.of(1, 1))).toEqual([0]);
    expect(acceptedMasks(Uint8Array.of(0, 0), Float64Array.of(5, 6))).toEqual([]);
  });
});
