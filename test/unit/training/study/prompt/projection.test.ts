import { describe, expect, it } from 'vitest';
import { normal, seededRandom } from '../../../../../src/core/common/random.ts';
import { openProjection, type Project } from '../../../../../src/training/study/prompt/projection.ts';

describe('t-SNE', async () => {
  const project = (await openProjection()) as Project;
  const random = seededRandom(7);
  const cloud = (count: number, middle: number): Float32Array[] =>
    Array.from({ length: count }, () => Float32Array.from({ length: 16 }, () => middle + normal(random)));

  it('keeps two clouds apart, however large their coordinates, and repeats itself', () => {
    for (const scale of [1, 1000]) {
      const points = [...cloud(20, 0), ...cloud(20, 8)].map((point) => point.map((value) => value * scale));
      const plane = project(points, 3);
      expect(project(points, 3)).toEqual(plane);
      const distance = (a: number, b: number): number => {
        const [[ax, ay], [bx, by]] = [plane[a], plane[b]] as [[number, number], [number, number]];
        return Math.hypot(ax - bx, ay - by);
      };
      let right = 0;
      for (let i = 0; i < 40; i++) {
        const others = Array.from({ length: 40 }, (_, j) => j).filter((j) => j !== i);
        const nearest = others.reduce((best, j) => (distance(i, j) < distance(i, best) ? j : best));
        if (nearest < 20 === i < 20) right++;
      }
      expect(right).toBe(40);
    }
  });

  it('has a picture of few points, and of equal ones', () => {
    expect(project(cloud(2, 0), 1)).toHaveLength(2);
    const equal = project(
      Array.from({ length: 9 }, () => new Float32Array(4)),
      1,
    );
    expect(equal.flat().every(Number.isFinite)).toBe(true);
  });
});
