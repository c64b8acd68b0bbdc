/** Shapes of a job compared with those that were uploaded, and read as marks. */
import { describe, expect, it } from 'vitest';
import { compareShapes } from '../../../../src/adapters/cvat/jobs/compare-shapes.ts';
import { shapesOf } from '../../../../src/adapters/cvat/jobs/job-shapes.ts';
import { revisionOf } from '../../../../src/adapters/cvat/jobs/look-at-job.ts';
import { annotationFromShape } from '../../../../src/adapters/cvat/shape-annotation.ts';
import type { UploadedShape } from '../../../../src/adapters/cvat/types.ts';
import { maskFromAnnotation } from '../../../../src/core/mask/draw-annotation.ts';
import { maskArea } from '../../../../src/core/mask/raster.ts';

describe('comparing', () => {
  const shape = (id: number, changes: object = {}) => ({
    id,
    type: 'rectangle',
    frame: 0,
    label_id: 1,
    points: [1, 1, 9, 9],
    rotation: 0,
    source: 'auto',
    attributes: [],
    ...changes,
  });
  const sent = (id: number, changes: Partial<UploadedShape> = {}): UploadedShape => ({
    id,
    frame: 0,
    label_id: 1,
    type: 'rectangle',
    points: [1, 1, 9, 9],
    ...changes,
  });
  const frames = { start_frame: 0, stop_frame: 5 };
  /** As a person finished it; seen: ids of shapes that were looked at. */
  const facts = (uploaded: UploadedShape[] = [], seen?: readonly number[]) => ({
    uploaded: uploaded.filter(({ frame }) => frame <= 5),
    isMachines: ({ source }: { source: string }) => !['manual', 'semi-auto'].includes(source),
    isReviewed: ({ id }: { id: string }) => seen?.includes(Number(id.slice(1))) ?? true,
    isSettled: () => true,
    groundTruth: false,
  });
  const compare = async (shapes: ReturnType<typeof shape>[], uploaded: UploadedShape[], seen?: readonly number[]) =>
    compareShapes(await shapesOf({ shapes, tracks: [] }, frames), facts(uploaded, seen)).lessons.map(
      ({ frame, label, provenance, shapes: left }) => [frame, label, provenance, left.length],
    );

  it.each([
    ['kept', [shape(7, { points: [1, 1, 9, 9.001] })], [sent(7)], [[0, 1, 'accepted', 1]]],
    ['kept, with another id', [shape(8, { source: 'semi-auto' })], [sent(7)], [[0, 1, 'accepted', 1]]],
    ['edited in place', [shape(7, { points: [1, 1, 8, 9], source: 'semi-auto' })], [sent(7)], [[0, 1, 'edited', 1]]],
    ['put in its place by another program', [shape(7, { points: [1, 1, 8, 9] })], [sent(7)], [[0, 1, 'accepted', 1]]],
    ['drawn over after it was uploaded, without a change', [shape(7, { source: 'manual' })], [sent(7)], [[0, 1, 'accepted', 1]]],
    ['edited, with another id', [shape(8, { points: [1, 1, 8, 9], source: 'semi-auto' })], [sent(7)], [[0, 1, 'edited', 1]]],
    ['deleted, so that its frame is empty', [], [sent(7)], [[0, 1, 'absent', 0]]],
    [
      'deleted beside another one',
      [shape(9, { label_id: 2, source: 'manual' })],
      [sent(7)],
      [
        [0, 1, 'rejected', 0],
        [0, 2, 'drawn', 1],
      ],
    ],
    [
      'deleted in a frame of its own',
      [shape(8, { frame: 1 })],
      [sent(7), sent(8, { frame: 1 })],
      [
        [0, 1, 'absent', 0],
        [1, 1, 'accepted', 1],
      ],
    ],
    ['one of two deleted', [shape(7)], [sent(7), sent(8, { points: [3, 3, 4, 4] })], [[0, 1, 'edited', 1]]],
    ['added by hand', [shape(9, { source: 'manual' })], [], [[0, 1, 'drawn', 1]]],
    ['added to one that was kept', [shape(7), shape(9, { source: 'manual', points: [2, 2, 3, 3] })], [sent(7)], [[0, 1, 'drawn', 1]]],
    [
      'of another label now',
      [shape(8, { label_id: 2, source: 'semi-auto' })],
      [sent(7)],
      [
        [0, 1, 'rejected', 0],
        [0, 2, 'edited', 1],
      ],
    ],
    ['of a tool of CVAT, taken as it was', [shape(9)], [], [[0, 1, 'accepted', 1]]],
    ['on frames of another job', [shape(9, { frame: 6 })], [sent(7, { frame: 6 })], []],
    ['of kinds that mark no area', [shape(9, { type: 'polyline' })], [], []],
  ])('tells a shape that is %s', async (_, shapes, uploaded, lessons) => {
    expect(await compare(shapes as never, uploaded)).toEqual(lessons);
  });

  it('learns nothing of what nobody looked at, beside what people drew or looked at neither', async () => {
    const drawn = shape(9, { source: 'manual', points: [2, 2, 3, 3] });
    expect(await compare([shape(7)], [sent(7)], [])).toEqual([]);
    expect(await compare([shape(7), drawn], [sent(7)], [])).toEqual([[0, 1, 'drawn', 1]]);
    expect(await compare([shape(7), shape(8, { points: [4, 4, 5, 5] })], [], [8])).toEqual([[0, 1, 'accepted', 1]]);
    // Had in hand by a person: CVAT says so.
    expect(await compare([shape(8, { source: 'semi-auto' })], [sent(7)], [])).toEqual([[0, 1, 'accepted', 1]]);
  });

  it('takes key frames of tracks where the object is visible', async () => {
    const box = { type: 'rectangle', points: [1, 1, 5, 5], rotation: 0, attributes: [] };
    const key = (frame: number, outside: boolean) => ({ ...box, frame, outside });
    const track = { id: 1, frame: 0, label_id: 4, source: 'manual', attributes: [], shapes: [key(0, false), key(2, true), key(9, false)] };
    const marks = await shapesOf({ shapes: [], tracks: [track] }, frames);
    expect(compareShapes(marks, { ...facts(), groundTruth: true }).lessons.map(({ frame, provenance }) => [frame, provenance])).toEqual([
      [0, 'ground_truth'],
    ]);
  });

  it('orders states of a job by the microsecond', () => {
    expect(revisionOf('2026-11-22T16:24:12.380445Z')).toBe(Date.parse('2026-11-22T16:24:12.380Z') * 1000 + 445);
    expect(revisionOf('2026-11-22T16:24:12.380446Z')).toBeGreaterThan(revisionOf('2026-11-22T16:24:12.380445Z'));
    expect(Number.isSafeInteger(revisionOf('2200-01-01T00:00:00.999999Z'))).toBe(true);
  });
});

describe('shapes as marks', () => {
  const area = (shape: Parameters<typeof annotationFromShape>[0]) =>
    maskArea(maskFromAnnotation(annotationFromShape(shape, 40, 30), 40, 30));

  it.each([
    ['rectangle', { type: 'rectangle', points: [5, 5, 15, 15] }, 100],
    ['rectangle with corners the other way round', { type: 'rectangle', points: [15, 15, 5, 5] }, 100],
    ['rectangle turned by a right angle', { type: 'rectangle', points: [10, 5, 14, 15], rotation: 90 }, 40],
    ['rectangle over the border', { type: 'rectangle', points: [-3, -3, 10, 10] }, 100],
    ['polygon', { type: 'polygon', points: [0, 0, 40, 0, 40, 30, 0, 30] }, 1200],
    ['mask', { type: 'mask', points: [0, 4, 3, 3, 4, 4] }, 4],
    ['points', { type: 'points', points: [3.5, 3.5, 40, 30] }, 2],
  ])('reads a %s', (_, shape, pixels) => {
    expect(area(shape)).toBe(pixels);
  });

  it('reads an ellipse as large as it is', () => {
    expect(Math.abs(area({ type: 'ellipse', points: [20, 15, 30, 5] }) - Math.PI * 100)).toBeLessThan(8);
    expect(Math.abs(area({ type: 'ellipse', points: [20, 15, 24, 5], rotation: 90 }) - Math.PI * 40)).toBeLessThan(8);
  });

  it.each([
    { type: 'cuboid', points: [1, 2] },
    { type: 'polygon', points: [1, 2, 3, 4] },
    { type: 'rectangle', points: [1, 2, 3] },
    { type: 'points', points: [1, NaN] },
  ])('refuses %j', (shape) => expect(() => annotationFromShape(shape, 40, 30)).toThrow(/^CVAT /));
});
