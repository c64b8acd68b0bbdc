import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { decodeBrushRleSync } from '../../../src/core/mask/brush-rle.ts';
import { until } from '../../unit/adapters/webhook/webhook-server.ts';
import { clickOf, NAME, taskOf } from './backend-server.ts';
import { brushOf, overlap, photos, startStudio, type LiveRegion, type LiveResult, type Photo } from './live-studio.ts';

/** What 150 selected tasks take: the same path as the built-in model on a slow machine with large photos, only faster. */
const TASKS = 150;
let pictures: Photo[];
let studio: Awaited<ReturnType<typeof startStudio>>;

beforeAll(async () => {
  pictures = await photos(TASKS + 1);
  studio = await startStudio(pictures);
});
afterAll(() => studio.close());

const annotation = (id: number, task: number, changes: object = {}): object => ({
  ...{ id, task, was_cancelled: false, ground_truth: false, completed_by: 1, updated_at: '2026-11-22T16:31:56.000001Z' },
  ...{ result: [brushOf(pictures[task] as Photo)] },
  ...changes,
});

function maskOf({ original_width: width, original_height: height, value }: LiveRegion) {
  return decodeBrushRleSync(value.rle, width, height);
}

/** IoU with the truth, of the task's one region. */
function iouOf(result: LiveResult | undefined, task: number): number {
  if (result === undefined || Array.isArray(result)) return Number.NaN;
  const [region] = result.result;
  const { truth } = pictures[task] as Photo;
  if (region === undefined) return 0;
  expect([region.original_width, region.original_height]).toEqual([truth.width, truth.height]);
  return overlap(maskOf(region), truth);
}

/** Percent of a pixel of the object, the one nearest to the middle of its largest row. */
function middleOf({ truth }: Photo): [x: number, y: number] {
  const { data, width, height } = truth;
  let [best, bestX, bestY] = [0, 0, 0];
  for (let y = 0; y < height; y++) {
    for (let x = 0, run = 0; x < width; x++) {
      run = data[y * width + x] === 0 ? 0 : run + 1;
      if (run > best) [best, bestX, bestY] = [run, x - Math.floor(run / 2), y];
    }
  }
  return [(100 * (bestX + 0.5)) / width, (100 * (bestY + 0.5)) / height];
}

const mean = (list: readonly number[]): number => list.reduce((sum, one) => sum + one, 0) / list.length;

describe('a Label Studio project on the built-in model', () => {
  it('learns from one submitted mask: the version changes, and predictions of other pictures overlap the truth, EXIF-turned ones too', async () => {
    const before = await studio.setup();
    expect(await studio.predict([taskOf(1)])).toEqual([[]]);
    await studio.event({ action: 'ANNOTATION_CREATED', annotation: annotation(1, 0), task: taskOf(0) });
    const version = await until(async () => {
      const now = await studio.setup();
      return now === before ? undefined : now;
    });
    const tasks = [1, 2, 3, 4, 9];
    const responses = await studio.predict(tasks.map((id) => taskOf(id)));
    const ious = responses.map((one, place) => iouOf(one, tasks[place] as number));
    console.log(`IoU with the truth: ${ious.map((one) => one.toFixed(2)).join(' ')}; the last two are turned by EXIF`);
    // The built-in model is a small one; chance would be 0.1.
    expect(mean(ious)).toBeGreaterThan(0.3);
    expect(mean(ious.slice(-2))).toBeGreaterThan(0.3);
    // What is handed over is what the service says, pixel by pixel.
    const photo = pictures[9] as Photo;
    const { masks } = await studio.prosam.service.predictions.predict({ project: NAME, image: photo.file, labels: ['car'] });
    const last = responses.at(-1);
    const region = last === undefined || Array.isArray(last) ? undefined : last.result[0];
    expect(region && Buffer.compare(maskOf(region).data, masks[0]?.mask.data ?? Buffer.alloc(0))).toBe(0);
    for (const one of responses) expect(one).toMatchObject({ model_version: version });
    // The picture is asked for with the token, and once.
    expect(studio.served.filter((path) => path.includes('/2.')).length).toBe(1);
  });

  it('reads a mask drawn on an EXIF-turned picture as it was drawn', async () => {
    await studio.event({ action: 'ANNOTATION_CREATED', annotation: annotation(2, 4), task: taskOf(4) });
    await until(async () => ((await studio.prosam.service.projects.get(NAME)).annotated === 2 ? true : undefined));
    const [kept] = (await studio.prosam.service.annotations.list(NAME, { limit: 10 })).filter(({ externalId }) => externalId === '2');
    expect(kept?.labels[0]?.area).toBe((pictures[4] as Photo).truth.data.reduce((sum, value) => sum + value, 0));
  });

  it('answers a click with a mask that fits', async () => {
    const ious: number[] = [];
    for (const place of [1, 2, 3, 4, 9]) {
      const [x, y] = middleOf(pictures[place] as Photo);
      await studio.predict([taskOf(place)], { result: [clickOf(x, y)] });
      const [response] = await studio.predict([taskOf(place)], { result: [clickOf(x, y)] });
      ious.push(iouOf(response, place));
    }
    console.log(`IoU of clicks ${ious.map((one) => one.toFixed(2)).join(' ')}`);
    expect(mean(ious)).toBeGreaterThan(0.3);
  });

  it(`answers ${TASKS} tasks in one request`, async () => {
    const tasks = Array.from({ length: TASKS }, (_, i) => taskOf(i + 1));
    const responses = await studio.predict(tasks);
    expect(responses.length).toBe(TASKS);
    expect(responses.filter((one) => Array.isArray(one)).length).toBe(0);
    const ious = responses.map((one, place) => iouOf(one, place + 1));
    console.log(`mean IoU ${mean(ious).toFixed(2)}`);
    expect(mean(ious)).toBeGreaterThan(0.3);
    expect(studio.pushed).toEqual([]);
  });

  it('answers eight annotators who click at once, while a batch runs', async () => {
    const batch = studio.predict(Array.from({ length: 60 }, (_, i) => taskOf(i + 1)));
    let batchEnded = false;
    const ended = batch.then(() => (batchEnded = true));
    let duringBatch = 0;
    const annotator = async (who: number): Promise<void> => {
      const place = 10 + who;
      const [x, y] = middleOf(pictures[place] as Photo);
      for (let click = 0; click < 5; click++) {
        const [response] = await studio.predict([taskOf(place)], { result: [clickOf(x + click / 10, y)] });
        if (!batchEnded) duringBatch++;
        expect(response).toMatchObject({ result: [{ type: 'brushlabels' }] });
      }
    };
    await Promise.all(Array.from({ length: 8 }, (_, who) => annotator(who)));
    expect((await batch).length).toBe(60);
    await ended;
    // Clicks do not stand in line behind the tasks of the batch.
    console.log(`${duringBatch} of 40 clicks were answered while the batch ran`);
    expect(duringBatch).toBeGreaterThanOrEqual(20);
  });

  it('forgets what was deleted: the version goes back, and nothing is predicted without references', async () => {
    await studio.event({ action: 'ANNOTATIONS_DELETED', annotations: [{ id: 1 }, { id: 2 }] });
    await until(async () => ((await studio.prosam.service.projects.get(NAME)).masks === 0 ? true : undefined));
    expect(await studio.predict([taskOf(1)])).toEqual([[]]);
  });
});

describe('a batch larger than the time for it', () => {
  it('arrives whole: in part as the answer, the rest pushed through the interface of Label Studio', async () => {
    const hurried = await startStudio(pictures, { softDeadlineMs: 1000 });
    await hurried.setup();
    await hurried.event({ action: 'ANNOTATION_CREATED', annotation: annotation(1, 0), task: taskOf(0) });
    await until(async () => ((await hurried.prosam.service.projects.get(NAME)).masks === 1 ? true : undefined));
    const responses = await hurried.predict(Array.from({ length: TASKS }, (_, i) => taskOf(i + 1)));
    const ready = responses.flatMap((one, place) => (Array.isArray(one) ? [] : [place + 1]));
    // How many depends on the machine.
    console.log(`${ready.length} of ${TASKS} tasks were ready within a second`);
    await until(() => Promise.resolve(hurried.pushed.length === TASKS - ready.length || undefined));
    const tasks = [...ready, ...hurried.pushed.map(({ task }) => task)];
    expect(new Set(tasks).size).toBe(TASKS);
    for (const { task, result } of hurried.pushed)
      expect(maskOf(result[0] as LiveRegion).data.length).toBe((pictures[task] as Photo).truth.data.length);
    await hurried.close();
  });
});
