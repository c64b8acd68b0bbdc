/** A task filled from one labelled frame, against the stand-in over real sockets. */
import { describe, expect, it } from 'vitest';
import { undoRun } from '../../../src/adapters/cvat/annotate/undo.ts';
import { expectRejection } from '../../unit/core/expect-error.ts';
import { TOKEN } from './stand-in-cvat.ts';
import { annotateBench, frames, SQUARE } from './annotate-bench.ts';

const bench = annotateBench();
const { smallTask, planOf, run, framesOf } = bench;

describe('filling a task', () => {
  it('puts one shape of the machine on every other frame, in the job it belongs to, and never replaces', async () => {
    const task = await smallTask(7, { jobSize: 3 });
    const human = structuredClone(bench.cvat.shapes(task));
    const { result } = await run(task);
    expect(result).toMatchObject({ predicted: 6, shapes: 6, failed: 0, lost: 0 });
    expect(framesOf(task)).toEqual([1, 2, 3, 4, 5, 6]);
    // CVAT 2.66 and later store the score of each.
    expect(
      bench.cvat
        .shapes(task)
        .filter(({ source }) => source === 'auto')
        .map(({ score }) => score),
    ).toEqual(Array(6).fill(0.9));
    for (const job of task.jobs) expect(job.shapes.every(({ frame }) => frame >= job.start_frame && frame <= job.stop_frame)).toBe(true);
    expect(bench.cvat.shapes(task).filter(({ source }) => source === 'manual')).toEqual(human);
    expect(bench.cvat.asked.filter(({ method }) => method === 'PUT')).toEqual([]);
    expect(bench.cvat.asked.every(({ headers }) => headers.authorization === `Bearer ${TOKEN}`)).toBe(true);
  });

  it('takes what people drew as the reference, and what a program made only where nobody drew the label', async () => {
    const task = await smallTask(3);
    const [human] = structuredClone(bench.cvat.shapes(task));
    bench.cvat.addShape(task, { type: 'mask', frame: 0, label: 'cat', points: [0, 100, 0, 0, 9, 9], source: 'auto' });
    const own = await planOf(task);
    expect(own.unused).toMatchObject([{ label: 'cat', reason: expect.stringContaining('a program made it') as string }]);
    const [mark] = own.references[0]?.marks ?? [];
    (task.jobs[0] as { shapes: unknown[] }).shapes = [human];
    expect((await planOf(task)).references[0]?.marks).toEqual([mark]);
    bench.cvat.shapes(task).forEach((shape) => (shape.source = 'auto'));
    expect((await planOf(task)).references[0]?.marks).toEqual([mark]);
  });

  it('fills frames of overlapping jobs once, and leaves out deleted, other and labelled ones', async () => {
    const task = await smallTask(10, { jobSize: 4, overlap: 2, deleted: [3] });
    bench.cvat.addShape(task, { type: 'rectangle', frame: 5, label: 'cat', points: [1, 1, 9, 9] });
    bench.cvat.addShape(task, { type: 'rectangle', frame: 6, label: 'dog', points: [1, 1, 9, 9] });
    const { result } = await run(task, { plan: await planOf(task, { frames: new Set([1, 2, 3, 4, 5, 6]) }) });
    expect(framesOf(task)).toEqual([1, 2, 4, 6]);
    expect(result).toMatchObject({ predicted: 4, covered: 1 });
  });

  it('works on a video and on one job of a large task with its reference in another', async () => {
    const task = await smallTask(6, { jobSize: 3, video: true });
    const [, second] = task.jobs;
    const plan = await planOf(task, { target: { job: (second as { id: number }).id } });
    expect(plan.nameOf(4)).toBe('frame 4');
    await run(task, { plan });
    expect(framesOf(task)).toEqual([3, 4, 5]);
  });

  it('keeps ground truth and labels of other shapes free of predictions', async () => {
    const task = bench.cvat.addTask({
      frames: await frames(4),
      labels: [
        { name: 'cat', type: 'polygon' },
        { name: 'line', type: 'polyline' },
      ],
      jobSize: 2,
    });
    Object.assign(task.jobs[1] as object, { type: 'ground_truth' });
    bench.cvat.addShape(task, { type: 'polygon', frame: 0, label: 'cat', points: [2, 2, 20, 2, 20, 20, 2, 20] });
    await run(task);
    expect(bench.cvat.shapes(task).filter(({ source }) => source === 'auto')).toMatchObject([{ frame: 1, type: 'polygon' }]);
    await expectRejection('REFERENCE_MISSING', planOf(task, { labels: ['line'] }), 'line');
  });

  it('uploads ellipses and boxes for labels that take nothing else, and says which labels are left out and why', async () => {
    const labels = [
      { name: 'round', type: 'ellipse' },
      { name: 'box', type: 'rectangle' },
      { name: 'line', type: 'polyline' },
      { name: 'other', type: 'any' },
    ];
    const task = bench.cvat.addTask({ frames: await frames(2), labels });
    bench.cvat.addShape(task, { type: 'ellipse', frame: 0, label: 'round', points: [30, 20, 40, 10] });
    bench.cvat.addShape(task, { type: 'rectangle', frame: 0, label: 'box', points: [2, 2, 12, 12] });
    const plan = await planOf(task);
    expect(plan.leftOut).toMatchObject([
      { label: 'line', reason: expect.stringContaining('polyline only') as string },
      { label: 'other', reason: expect.stringContaining('not marked on frame 0') as string },
    ]);
    const { log } = await run(task, { plan });
    // Boxes of 8 x 7 pixels at (1, 2) and (1, 12); the ellipse has twice the deviation of the pixels: 8 / sqrt(3) and 7 / sqrt(3).
    const made = bench.cvat.shapes(task).filter(({ source }) => source === 'auto');
    expect(made.map(({ type }) => type)).toEqual(['ellipse', 'rectangle']);
    for (const [i, value] of [5, 5.5, 5 + 4.6188, 5.5 - 4.0415].entries()) expect(made[0]?.points[i]).toBeCloseTo(value, 3);
    expect(made[1]?.points).toEqual([1, 12, 9, 19]);
    // A person who turns an ellipse has changed it.
    Object.assign(made[0] as object, { rotation: 30 });
    expect(await undoRun(bench.client, log, task.id)).toEqual({ removed: 1, kept: 1, gone: 0 });
  });

  it('reads every kind of reference shape', async () => {
    const task = bench.cvat.addTask({ frames: await frames(6), labels: [{ name: 'cat' }] });
    const kinds: [string, number[], number, number][] = [
      ['mask', SQUARE, 0, 16],
      ['polygon', [2, 2, 12, 2, 12, 12, 2, 12], 0, 100],
      ['rectangle', [2, 2, 12, 12], 0, 100],
      ['rectangle', [20, 20, 40, 24], 90, 80],
      ['ellipse', [30, 20, 40, 10], 0, 314],
      ['points', [5, 5, 7, 7], 0, 2],
    ];
    for (const [frame, [type, points, rotation]] of kinds.entries())
      bench.cvat.addShape(task, { type, frame, label: 'cat', points, rotation });
    const { references } = await planOf(task, { referenceFrames: [0, 1, 2, 3, 4, 5], frames: new Set() });
    for (const [i, { marks }] of references.entries()) {
      const area = kinds[i]?.[3] as number;
      expect(Math.abs((marks[0]?.area ?? 0) - area), kinds[i]?.[0]).toBeLessThanOrEqual(area * 0.03);
    }
  });

  it('names frames and labels that are not there', async () => {
    const task = await smallTask(4, { deleted: [2] });
    await expectRejection('OPTION_INVALID', planOf(task, { referenceFrames: [9] }), '0 to 3', '9');
    await expectRejection('OPTION_INVALID', planOf(task, { frames: new Set([1, 4]) }), '0 to 3', '4');
    await expectRejection('OPTION_INVALID', planOf(task, { referenceFrames: [2] }), 'deleted');
    await expectRejection('OPTION_INVALID', planOf(task, { labels: ['cow'] }), 'cat, dog', 'cow');
    await expectRejection('REFERENCE_MISSING', planOf(task, { referenceFrames: [1] }), 'frame 1');
    await expectRejection('CVAT_FAILED', planOf({ ...task, id: 99_999 }), '404');
  });
});
