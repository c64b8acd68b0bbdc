/** HTTP and TypeScript take and refuse the same annotations: at each bound, one at it and one beyond. */
import { describe, expect, it } from 'vitest';
import { ANNOTATION_LIMITS } from '../../../../src/core/common/limits.ts';
import { parseAnnotation, type Annotation } from '../../../../src/core/mask/annotation.ts';
import { annotationSchema, predictSchema, refineSchema } from '../../../../src/adapters/webhook/schemas.ts';
import { expectCode } from '../../core/expect-error.ts';

const { corners, strokePoints, points, brush, runs, runText } = ANNOTATION_LIMITS;
const many = (count: number): [number, number][] => Array.from({ length: count }, (_, i) => [i % 100, i % 90]);
/** Lists of three points, and one with what is left. */
const lists = (count: number): [number, number][][] => [
  ...Array.from({ length: Math.floor((count - 5) / 3) }, () => many(3)),
  many(3 + ((count - 5) % 3) + 2),
];
const total = (all: readonly unknown[][]): number => all.reduce((sum, one) => sum + one.length, 0);

const image = { path: 'a.png' };
const bySchema = (annotation: Annotation): boolean[] => [
  annotationSchema.safeParse({
    ...{ project: 'a', externalId: '1', revision: 1, image, provenance: 'drawn' },
    masks: [{ label: 'cup', ...annotation }],
  }).success,
  predictSchema.safeParse({ project: 'a', image, references: [{ image, ...annotation }] }).success,
];

describe('an annotation over HTTP and in TypeScript', () => {
  const bounds: [string, number, (count: number) => Annotation][] = [
    ['corners of a ring', corners, (count) => ({ polygon: many(count) })],
    ['corners of several rings', corners, (count) => ({ polygon: lists(count) })],
    ['points of a stroke', strokePoints, (count) => ({ scribble: many(count) })],
    ['points of several strokes', strokePoints, (count) => ({ scribble: lists(count) })],
    ['points on the object', points, (count) => ({ points: many(count) })],
    ['points beside the object', points, (count) => ({ points: many(1), negative: many(count - 1) })],
    ['pixels of a brush', brush, (width) => ({ scribble: many(2), width })],
    ['runs of a list', runs, (count) => ({ rle: { size: [9, 9], counts: Array<number>(count).fill(1) } })],
    ['characters of runs', runText, (count) => ({ rle: { size: [9, 9], counts: '1'.repeat(count) } })],
  ];
  it.each(bounds)('has at most as many %s as %i', (_, most, of) => {
    expect(bySchema(of(most))).toEqual([true, true]);
    expect(() => parseAnnotation(of(most))).not.toThrow();
    expect(bySchema(of(most + 1))).toEqual([false, false]);
    expectCode('ANNOTATION_INVALID', () => parseAnnotation(of(most + 1)), String(most));
  });

  it('has lists that add up to the bound', () => {
    for (const count of [strokePoints, strokePoints + 1, corners, corners + 1]) expect(total(lists(count))).toBe(count);
  });

  it('prompts a refinement with as many points', () => {
    const refine = (more: object): boolean => refineSchema.safeParse({ project: 'a', image, ...more }).success;
    expect(refine({ points: many(1), negative: many(points - 1) })).toBe(true);
    expect(refine({ points: many(1), negative: many(points) })).toBe(false);
    expect(refine({ points: many(points + 1) })).toBe(false);
  });
});
