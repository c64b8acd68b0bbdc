/** One object, one shape: crumbs get none, and the outlines of one object are held together by a group that nobody else has. */
import { afterEach, describe, expect, it } from 'vitest';
import { detectFrames } from '../../../src/adapters/cvat/agent/detect.ts';
import { shapesOfMask } from '../../../src/adapters/cvat/annotate/new-shapes.ts';
import { createCvatClient } from '../../../src/adapters/cvat/api/client.ts';
import { detectorName } from '../../../src/adapters/cvat/names.ts';
import { splitInstances } from '../../../src/core/mask/instances.ts';
import type { BinaryMask } from '../../../src/core/mask/label-reduction.ts';
import { emptyMask, fillBox } from '../../../src/core/mask/raster.ts';
import { annotateBench, HEIGHT, WIDTH } from './annotate-bench.ts';
import { invoke, label, startFacade, type FacadeOptions } from './functions/facade-server.ts';
import { painted, paintedService } from './functions/painted-service.ts';
import { TOKEN } from './stand-in-cvat.ts';

const bench = annotateBench();
const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close();
});

function boxes(...all: readonly [x0: number, y0: number, x1: number, y1: number][]): BinaryMask {
  const mask = emptyMask(WIDTH, HEIGHT);
  for (const box of all) fillBox(mask, box);
  return mask;
}

/** Two squares that touch at a corner, which is one object of two outlines; a square; and a crumb of 9 pixels. */
const MASK = boxes([2, 2, 14, 14], [14, 14, 24, 24], [40, 4, 54, 18], [40, 30, 43, 33]);
const WHERE = { frame: 3, label_id: 7 };
const HOW = { form: 'polygon', tolerance: 1, minShare: 0.0005 } as const;

function counter(from: number): () => number {
  let group = from;
  return () => ++group;
}

describe('shapes of a mask', () => {
  it('are held together by one group, without crumbs, where objects are not told apart', async () => {
    const { shapes, leftOut } = await shapesOfMask(MASK, WHERE, { ...HOW, newGroup: counter(7) });
    expect(shapes.map(({ group }) => group)).toEqual([8, 8, 8]);
    expect(leftOut).toBe(1);
  });

  it('are grouped by object where they are', async () => {
    const parts = splitInstances(MASK, 1);
    const { shapes, leftOut } = await shapesOfMask(MASK, WHERE, { ...HOW, parts, newGroup: counter(0) });
    expect(shapes.map(({ group }) => group)).toEqual([1, 1, undefined]);
    expect(leftOut).toBe(1);
    const rectangles = await shapesOfMask(MASK, WHERE, { ...HOW, form: 'rectangle', parts, newGroup: counter(0) });
    expect(rectangles.shapes.map(({ points, group }) => [points, group])).toEqual([
      [[2, 2, 24, 24], undefined],
      [[40, 4, 54, 18], undefined],
    ]);
  });

  it('are as small as the share says', async () => {
    const all = await shapesOfMask(MASK, WHERE, { ...HOW, leastPart: 0 });
    expect([all.shapes.length, all.leftOut]).toEqual([4, 0]);
    const largest = await shapesOfMask(MASK, WHERE, { ...HOW, leastPart: 1 });
    expect([largest.shapes.length, largest.leftOut]).toEqual([1, 3]);
  });
});

describe('a filled task', () => {
  it('has groups that no person used, and says how many parts were left out', async () => {
    const task = await bench.smallTask(4);
    Object.assign(bench.cvat.shapes(task)[0] as object, { group: 41 });
    const predict = (_: unknown, labels: readonly string[]) =>
      Promise.resolve(labels.map((name) => ({ label: name, mask: MASK, score: 0.9 })));
    const { result } = await bench.run(task, { predict, form: 'polygon', plan: await bench.planOf(task, { form: 'polygon' }) });
    expect(result).toMatchObject({ shapes: 9, leftOut: 3 });
    const made = bench.cvat.shapes(task).filter(({ source }) => source === 'auto');
    expect(made.map(({ frame, group }) => [frame, group])).toEqual([1, 1, 1, 2, 2, 2, 3, 3, 3].map((frame) => [frame, 41 + frame]));
  });
});

describe('a detector', () => {
  async function asked(options: FacadeOptions) {
    bench.cvat.state.projects.set(3, 'Kitchen');
    const image = await painted(MASK);
    bench.cvat.addTask({
      frames: [{ name: '0.png', width: WIDTH, height: HEIGHT, bytes: image }],
      labels: [{ name: 'cup', type: 'polygon' }],
      project: 3,
    });
    const service = paintedService({ labels: ['cup'] });
    await label(service, 'cvat/project-3', ['cup'], image);
    const facade = await startFacade({ service, api: createCvatClient({ url: bench.cvat.url, token: TOKEN }), ...options });
    open.push(facade);
    const answer = await invoke(facade.url, detectorName('cvat/project-3'), { image: image.toString('base64') });
    return { found: answer.json() as { type: string; group_id?: number }[], lines: facade.lines };
  }

  it('groups the outlines of a mask, and logs what it leaves out', async () => {
    const { found, lines } = await asked({});
    expect(found.map(({ type }) => type)).toEqual(['polygon', 'polygon', 'polygon']);
    // CVAT counts its own groups from 1: people's are never joined.
    const [group = 0] = new Set(found.map((one) => one.group_id));
    expect(found.map((one) => one.group_id)).toEqual([group, group, group]);
    expect(group).toBeGreaterThan(2 ** 20);
    expect(group).toBeLessThan(2 ** 31);
    expect(lines.filter((line) => line.includes('left out'))).toHaveLength(1);
  });

  it('groups them by object with cvat.instances, and keeps crumbs where cvat.leastPart is 0', async () => {
    const { found, lines } = await asked({ instances: true, leastPart: 0 });
    expect(found).toHaveLength(4);
    const groups = found.map((one) => one.group_id);
    expect(groups[0]).toBeGreaterThan(2 ** 20);
    expect(groups).toEqual([groups[0], groups[0], undefined, undefined]);
    expect(lines.filter((line) => line.includes('left out'))).toEqual([]);
  });
});

describe('an agent', () => {
  it('groups outlines by object where it is told to, and says what it leaves out', async () => {
    const image = await painted(MASK);
    const task = bench.cvat.addTask({ frames: [{ name: '0.png', width: WIDTH, height: HEIGHT, bytes: image }], labels: [{ name: 'cup' }] });
    const leftOut: unknown[] = [];
    const parts = { client: bench.client, service: paintedService({ labels: ['cup'] }), project: 'kitchen', tolerance: 1, instances: true };
    const { shapes } = await detectFrames(
      { ...parts, onLeftOut: (one) => leftOut.push(one) },
      { task: task.id, frames: [0], conv_mask_to_poly: true },
      { imageOf: () => Promise.resolve(image), isWhole: true, signal: new AbortController().signal, onProgress: () => undefined },
    );
    const groups = (shapes as { group?: number }[]).map(({ group }) => group);
    expect(groups).toEqual([groups[0], groups[0], undefined]);
    expect(groups[0]).toBeGreaterThan(2 ** 20);
    expect(leftOut).toEqual([{ task: task.id, frame: 0, label: 'cup', leftOut: 1 }]);
  });
});
