/** Runs that meet trouble, are taken up again, and are undone. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { PredictFrame } from '../../../src/adapters/cvat/annotate/annotate.ts';
import { createCvatClient } from '../../../src/adapters/cvat/api/client.ts';
import { openRunLog } from '../../../src/adapters/cvat/annotate/run-log.ts';
import { undoRun } from '../../../src/adapters/cvat/annotate/undo.ts';
import { expectRejection } from '../../unit/core/expect-error.ts';
import { emptyMask } from '../../../src/core/mask/raster.ts';
import { TOKEN, type Trouble } from './stand-in-cvat.ts';
import { annotateBench, HEIGHT, isUpload, predict, WIDTH } from './annotate-bench.ts';

const bench = annotateBench();
const { smallTask, planOf, run, framesOf, troubleAt } = bench;

describe('when something goes wrong', () => {
  it.each([['before'], ['after'], [{ status: 502 }], [{ status: 429, headers: { 'retry-after': '0' } }]] as [Trouble][])(
    'stores each shape once over an upload that meets %j',
    async (trouble) => {
      const task = await smallTask(8);
      troubleAt(2, trouble);
      const { result } = await run(task);
      expect(framesOf(task)).toEqual([1, 2, 3, 4, 5, 6, 7]);
      expect(result).toMatchObject({ shapes: 7, lost: 0 });
    },
  );

  it('loses nothing and doubles nothing when the program ends between upload and answer', async () => {
    const task = await smallTask(8);
    // The second upload arrives; from then on CVAT is gone.
    let uploads = 0;
    bench.cvat.state.trouble = (asked) => {
      if (isUpload(asked)) uploads++;
      return uploads < 2 ? undefined : isUpload(asked) && uploads === 2 ? 'after' : 'before';
    };
    const short = createCvatClient({ url: bench.cvat.url, token: TOKEN, backoffMs: 1, attempts: 2 });
    await expectRejection('CVAT_FAILED', run(task, { client: short }));
    const stored = framesOf(task);
    expect(stored).toEqual([1, 2, 3, 4, 5, 6]);
    bench.cvat.state.trouble = undefined;
    const asked: number[] = [];
    const { result, log } = await run(task, {
      predict: (image, labels, frame) => {
        asked.push(frame);
        return predict(image, labels, frame);
      },
    });
    expect(asked).toEqual([7]);
    expect(framesOf(task)).toEqual([1, 2, 3, 4, 5, 6, 7]);
    expect(result).toMatchObject({ shapes: 1, lost: 0 });
    // The shapes of the upload nobody answered for belong to the run, too.
    expect(await undoRun(bench.client, log, task.id)).toEqual({ removed: 7, kept: 0, gone: 0 });
    expect(bench.cvat.shapes(task)).toHaveLength(1);
  });

  it('stops at a revoked token with a telling error, and goes on with a new one', async () => {
    const task = await smallTask(8);
    let uploads = 0;
    bench.cvat.state.trouble = (asked) => {
      if (isUpload(asked) && ++uploads === 2) bench.cvat.tokens.clear();
      return undefined;
    };
    await expectRejection('CVAT_REFUSED', run(task), 'token', 'revoked');
    expect(framesOf(task)).toEqual([1, 2, 3]);
    bench.cvat.state.trouble = undefined;
    bench.cvat.tokens.add('Bearer pat_new');
    bench.client = createCvatClient({ url: bench.cvat.url, token: 'pat_new' });
    const { result } = await run(task);
    expect(framesOf(task)).toEqual([1, 2, 3, 4, 5, 6, 7]);
    expect(result.shapes).toBe(4);
  });

  it('goes past a frame it cannot read and does it again the next time', async () => {
    const task = await smallTask(4);
    const good = task.frames[2]?.bytes as Uint8Array;
    const broken: PredictFrame = async (image, labels, frame) => {
      if (frame === 2)
        throw Object.assign(await expectRejection('REFERENCE_MISSING', planOf(task, { referenceFrames: [1] })), {
          code: 'IMAGE_UNREADABLE',
        });
      return predict(image, labels, frame);
    };
    expect((await run(task, { predict: broken })).result).toMatchObject({ failed: 1, predicted: 2 });
    expect(framesOf(task)).toEqual([1, 3]);
    expect(good.length).toBeGreaterThan(0);
    expect((await run(task)).result).toMatchObject({ failed: 0, predicted: 1 });
    expect(framesOf(task)).toEqual([1, 2, 3]);
  });

  it('tells of shapes that CVAT drops without a word', async () => {
    const task = await smallTask(4);
    const plan = await planOf(task);
    Object.assign(task.jobs[0] as object, { stop_frame: 2 }); // shortened meanwhile
    expect((await run(task, { plan })).result).toMatchObject({ shapes: 2, lost: 1 });
  });

  it('sends no mask of another size than CVAT says', async () => {
    const task = await smallTask(3);
    const wrong: PredictFrame = (_, [label = '']) =>
      Promise.resolve([{ label, mask: { ...emptyMask(HEIGHT, WIDTH), data: new Uint8Array(WIDTH * HEIGHT).fill(1) }, score: 1 }]);
    expect((await run(task, { predict: wrong })).result).toMatchObject({ failed: 2, shapes: 0 });
    expect(bench.cvat.asked.filter(isUpload)).toEqual([]);
  });

  it('takes back what nobody touched, and only that', async () => {
    const task = await smallTask(6);
    const { log } = await run(task);
    const [first, second] = bench.cvat.shapes(task).filter(({ source }) => source === 'auto');
    if (!first || !second) throw new Error('two shapes were expected');
    first.source = 'semi-auto'; // edited by hand
    for (const job of task.jobs) job.shapes = job.shapes.filter(({ id }) => id !== second.id); // deleted by hand
    expect(await undoRun(bench.client, log, task.id)).toEqual({ removed: 3, kept: 1, gone: 1 });
    expect(
      bench.cvat
        .shapes(task)
        .map(({ source }) => source)
        .sort(),
    ).toEqual(['manual', 'semi-auto']);
    expect(await undoRun(bench.client, log, task.id)).toEqual({ removed: 0, kept: 0, gone: 0 });
  });

  it('forgets nothing where the job is another one, as another CVAT at the same address has it', async () => {
    const task = await smallTask(4);
    const { log } = await run(task);
    const other = await smallTask(4);
    const [job] = task.jobs;
    Object.assign(job ?? {}, { task_id: other.id, shapes: [] });
    await expectRejection('CVAT_FAILED', undoRun(bench.client, log, task.id), `expected a job of task ${task.id}`);
    expect([...log.stored.values()].flat()).toHaveLength(3);
  });
});

describe('the log of a run', () => {
  it('survives a line that was cut off', async () => {
    const task = await smallTask(8);
    const { log } = await run(task, { plan: await planOf(task, { frames: new Set([1, 2, 3]) }) });
    writeFileSync(log.path, `${readFileSync(log.path, 'utf8')}{"event":"sto`);
    const { result } = await run(task);
    expect(result.shapes).toBe(4);
    const again = await openRunLog(log.path);
    bench.opened.push(again);
    expect(again.done.size).toBe(7);
  });

  it('is not taken for the log of another run', async () => {
    const task = await smallTask(3);
    const { log } = await run(task);
    await expectRejection(
      'OPTION_INVALID',
      openRunLog(log.path, { server: bench.cvat.url, task: task.id, settings: { form: 'polygon' } }),
      'run.jsonl',
    );
    writeFileSync(join(bench.folder, 'other.txt'), 'hello\nworld\n{}\n');
    await expectRejection('OPTION_INVALID', openRunLog(join(bench.folder, 'other.txt')), 'line');
  });
});
