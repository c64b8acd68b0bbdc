/** What CVAT's own requests brought in is taken back, and nothing that a person or another program made. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { detectFrames } from '../../../src/adapters/cvat/agent/detect.ts';
import { createAnswerLog } from '../../../src/adapters/cvat/annotate/answer-log.ts';
import { undoAnswers, type UndoAnswersOptions } from '../../../src/adapters/cvat/annotate/undo-answers.ts';
import { detectorName } from '../../../src/adapters/cvat/names.ts';
import { emptyMask, fillBox } from '../../../src/core/mask/raster.ts';
import { annotateBench, HEIGHT, WIDTH, type Task } from './annotate-bench.ts';
import { storedByServer } from './functions/as-cvat-draws.ts';
import { invoke, label, startFacade } from './functions/facade-server.ts';
import { cropped, painted, paintedService } from './functions/painted-service.ts';
import type { StandInShape } from './stand-in-forms.ts';

const bench = annotateBench();
const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close();
});

/** A frame with a square, somewhere else on each, and the corner of another. */
async function picture(i: number): Promise<Buffer> {
  const mask = emptyMask(WIDTH, HEIGHT);
  fillBox(mask, [i, 2, i + 14, 16]);
  fillBox(mask, [i + 20, 20, i + 32, 30]);
  return painted(mask);
}

async function started(type = 'any') {
  const images = await Promise.all([0, 1, 2, 3].map(picture));
  const frames = images.map((bytes, i) => ({ name: `${i}.png`, width: WIDTH, height: HEIGHT, bytes }));
  const task = bench.cvat.addTask({ frames, labels: [{ name: 'cup', type }, { name: 'mug' }], jobSize: 3, project: 3 });
  bench.cvat.state.projects.set(3, 'Kitchen');
  const service = paintedService({ labels: ['cup'] });
  await label(service, 'cvat/project-3', ['cup'], images[0] as Buffer);
  const facade = await startFacade({ service, api: bench.client, answers: createAnswerLog(bench.folder) });
  open.push(facade);
  /** CVAT's automatic annotation of one frame. */
  const annotated = async (frame: number, { convMaskToPoly = false, label: to = 'cup', image = images[frame] } = {}) => {
    const answer = await invoke(facade.url, detectorName('cvat/project-3'), { image: image?.toString('base64') });
    const found = answer.json() as { group_id?: number }[];
    return storedByServer(found, { labels: ['cup'], convMaskToPoly }).map((shape, i) => {
      const stored = bench.cvat.addShape(task, { ...shape, label: to, frame, source: 'auto' });
      return Object.assign(stored, { group: found[i]?.group_id ?? null });
    });
  };
  return { task, images, facade, annotated, service };
}

/** By a process that was started afterwards. */
async function undone(task: Task, options: Partial<UndoAnswersOptions> = {}) {
  const { shapes } = await undoAnswers({
    client: bench.client,
    target: { task: task.id },
    answers: createAnswerLog(bench.folder),
    ...options,
  });
  return Object.fromEntries(shapes.map(({ id, fate }) => [id, fate]));
}

const idsOf = (task: Task): number[] => bench.cvat.shapes(task).map(({ id }) => id);

describe('undo of what CVAT asked for', () => {
  it.each([
    ['masks', 'any', false],
    ['masks that became polygons', 'any', true],
    ['polygons in groups', 'polygon', false],
    ['boxes', 'rectangle', false],
    ['ellipses', 'ellipse', false],
  ])('removes %s in all jobs, once', async (_, type, convMaskToPoly) => {
    const { task, annotated } = await started(type);
    const drawn = bench.cvat.addShape(task, { type: 'rectangle', frame: 1, label: 'cup', points: [1, 1, 9, 9] });
    const made: StandInShape[] = [];
    for (const frame of [0, 1, 2, 3]) made.push(...(await annotated(frame, { convMaskToPoly })));
    expect(made.length).toBeGreaterThanOrEqual(4);
    const dry = await undone(task, { dryRun: true });
    expect(idsOf(task)).toHaveLength(made.length + 1);
    expect(await undone(task)).toEqual(dry);
    expect(dry).toEqual(Object.fromEntries(made.map(({ id }) => [id, 'removed'])));
    expect(idsOf(task)).toEqual([drawn.id]);
    expect(await undone(task)).toEqual({});
  });

  it('leaves what a person or another program made, or somebody changed, and says so', async () => {
    const { task, annotated } = await started();
    const changes: [change: object, fate: string | undefined][] = [
      [{ source: 'semi-auto' }, undefined],
      [{ source: 'manual' }, undefined],
      [{ points: [0, 4, 3, 3, 4, 4] }, 'unknown'],
      [{ group: 5 }, 'changed'],
      [{ attributes: [{ spec_id: 9, value: 'red' }] }, 'changed'],
      [{ occluded: true }, 'changed'],
      [{ frame: 2 }, 'unknown'],
    ];
    const made: StandInShape[] = [];
    for (const [change] of changes) {
      const [shape] = await annotated(0);
      made.push(Object.assign(shape as StandInShape, change));
    }
    const [left] = await annotated(1);
    const fates = await undone(task);
    expect(made.map(({ id }) => fates[id])).toEqual(changes.map(([, fate]) => fate));
    expect(fates[left?.id ?? 0]).toBe('removed');
    expect(idsOf(task)).toEqual(made.map(({ id }) => id));
  });

  it('takes a label that was chosen in CVAT for the answer only where it is told', async () => {
    const { task, annotated } = await started();
    const [shape] = await annotated(0, { label: 'mug' });
    expect(await undone(task)).toEqual({ [shape?.id ?? 0]: 'relabelled' });
    expect(await undone(task, { mapping: new Map([['cup', 'mug']]) })).toEqual({ [shape?.id ?? 0]: 'removed' });
  });

  it('removes none of several equal shapes where one was copied, and all where CVAT asked as often', async () => {
    const { task, annotated } = await started();
    const [first] = await annotated(0);
    const copy = (): StandInShape => {
      const { type, frame, points, source } = first as StandInShape;
      return bench.cvat.addShape(task, { type, frame, points, source, label: 'cup' });
    };
    const copied = copy();
    expect(Object.values(await undone(task))).toEqual(['doubled', 'doubled']);
    await annotated(0);
    const [job] = task.jobs;
    if (job) job.shapes = job.shapes.filter(({ id }) => id !== copied.id);
    expect(Object.values(await undone(task))).toEqual(['removed', 'removed']);
    // What was taken back is no answer any more.
    copy();
    expect(Object.values(await undone(task))).toEqual(['unknown']);
  });

  it('leaves the shapes of a region, whose frame the answer does not prove, and those annotate uploaded', async () => {
    const { task, images, annotated } = await started();
    const region = await cropped(images[0] as Buffer, [0, 0, 40, 40]);
    const [cut] = await annotated(0, { image: region });
    const [uploaded] = await annotated(1);
    const uploads = { uploaded: () => Promise.resolve([{ ...(uploaded as StandInShape) }]) };
    expect(await undone(task, { uploads })).toEqual({ [cut?.id ?? 0]: 'unknown', [uploaded?.id ?? 0]: 'uploaded' });
  });

  it('looks at the frames, labels and jobs that are named alone', async () => {
    const { task, annotated } = await started();
    for (const frame of [0, 1, 3]) await annotated(frame);
    expect(Object.values(await undone(task, { labels: ['mug'] }))).toEqual([]);
    expect(Object.values(await undone(task, { frames: new Set([1]) }))).toEqual(['removed']);
    expect(Object.values(await undone(task, { target: { job: task.jobs[1]?.id ?? 0 } }))).toEqual(['removed']);
    expect(bench.cvat.shapes(task).map(({ frame }) => frame)).toEqual([0]);
  });

  it('removes what an agent answered', async () => {
    const { task, images, service } = await started();
    const parts = { client: bench.client, service, project: 'cvat/project-3', tolerance: 1, answers: createAnswerLog(bench.folder) };
    const { shapes } = await detectFrames(
      parts,
      { task: task.id, frames: [0, 3], mapping: { cup: { name: 'mug' } }, conv_mask_to_poly: true },
      {
        imageOf: (frame) => Promise.resolve(images[frame] as Buffer),
        isWhole: true,
        signal: new AbortController().signal,
        onProgress: () => undefined,
      },
    );
    for (const shape of shapes as StandInShape[]) Object.assign(bench.cvat.addShape(task, { ...shape, label: 'mug' }), shape);
    expect(Object.values(await undone(task))).toEqual(Array(shapes.length).fill('removed'));
    expect(idsOf(task)).toEqual([]);
  });

  it('answers CVAT also where the record cannot be written, and logs that', async () => {
    const { task, facade, annotated } = await started();
    writeFileSync(join(bench.folder, 'answers'), 'a file where a folder should be');
    expect(await annotated(0)).toHaveLength(1);
    expect(facade.lines.filter((line) => line.includes('cannot be taken back'))).toHaveLength(1);
    expect(idsOf(task)).toHaveLength(1);
  });
});
