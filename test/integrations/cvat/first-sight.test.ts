/** Jobs finished before prosam knew CVAT: read on the first look, and on request. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createCvatClient } from '../../../src/adapters/cvat/api/client.ts';
import type { DoneJob } from '../../../src/adapters/cvat/jobs/job-events.ts';
import { createJobPoll } from '../../../src/adapters/cvat/jobs/poll-jobs.ts';
import { createPollCursor } from '../../../src/adapters/cvat/jobs/poll-cursor.ts';
import type { Message, Queue } from '../../../src/service/ports/storage.ts';
import { frames } from './annotate-bench.ts';
import { send, startFacade } from './functions/facade-server.ts';
import { startStandIn, TOKEN, type StandIn } from './stand-in-cvat.ts';

let cvat: StandIn;
let folder: string;
beforeEach(async () => {
  cvat = await startStandIn();
  folder = mkdtempSync(join(tmpdir(), 'prosam-cvat-first-'));
});
afterEach(async () => {
  await cvat.close();
  rmSync(folder, { recursive: true });
});

/** The stand-in's jobs are of January 2026; now is ten months later. */
const NOW = Date.parse('2026-11-01T00:00:00Z');
const clientOf = () => createCvatClient({ url: cvat.url, token: TOKEN, backoffMs: 1, attempts: 1 });

async function threeJobs(project: number | null = 3) {
  const task = cvat.addTask({ frames: await frames(3), labels: [{ name: 'cat' }], jobSize: 1, project });
  Object.assign(task.jobs[0] as object, { state: 'completed' });
  Object.assign(task.jobs[1] as object, { state: 'new', stage: 'acceptance' });
  return task;
}

describe('the first look at a CVAT', () => {
  it('goes back to the beginning, takes jobs moved by stage too, and goes on where it was after a restart', async () => {
    const task = await threeJobs();
    const file = join(folder, 'polled.json');
    const looked = async (withCursor = true): Promise<number[]> => {
      const cursor = createPollCursor(file);
      const taken: DoneJob[] = [];
      const poll = createJobPoll({
        ...{ api: clientOf(), nowMs: () => NOW, look: () => Promise.resolve() },
        take: (job) => Promise.resolve(taken.push(job) > 0),
        ...(withCursor && { cursor: { read: () => cursor.read(cvat.url), write: (date) => cursor.write(cvat.url, date) } }),
      });
      await poll();
      return taken.map(({ job }) => job);
    };
    Object.assign((await threeJobs()).jobs[0] as object, { media_type: 'audio', stage: 'annotation' });
    cvat.tasks[1]?.jobs.splice(1);
    // Without a record of earlier looks only the last day is looked at.
    expect(await looked(false)).toEqual([]);
    expect(await looked()).toEqual([task.jobs[0]?.id, task.jobs[1]?.id]);
    const newest = cvat.tasks
      .flatMap(({ jobs }) => jobs)
      .map(({ updated_date }) => updated_date)
      .sort()
      .at(-1);
    expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual({ [cvat.url]: newest });
    // What came months ago is not asked for again, what came just before is: it may have been lost with the process.
    const late = await threeJobs();
    Object.assign(late.jobs[0] as object, { updated_date: '2026-10-30T00:00:00.000Z' });
    expect(await looked()).toContain(late.jobs[0]?.id);
    expect(await looked()).toEqual([late.jobs[0]?.id]);
    writeFileSync(file, '{"cut o');
    expect(await looked()).toHaveLength(4);
  });
});

describe('an import', () => {
  it('takes the finished jobs of one project, once, and says how many there are', async () => {
    await threeJobs(3);
    await threeJobs(4);
    const sent: Message[] = [];
    const queue: Queue = {
      send: (message) => Promise.resolve(void sent.push(message)),
      work: () => Promise.resolve(() => Promise.resolve()),
      depth: () => Promise.resolve({}),
      close: () => Promise.resolve(),
    };
    const facade = await startFacade({ api: clientOf(), queue });
    const post = (body: object) => send(`${facade.url}/import`, 'POST', { 'content-type': 'application/json' }, JSON.stringify(body));
    try {
      const first = await post({ project: 3 });
      expect([first.status, first.json()]).toEqual([202, { project: 'cvat/project-3', jobs: 3, finished: 2, taken: 2 }]);
      expect(sent).toHaveLength(2);
      expect((await post({ project: 3 })).json()).toMatchObject({ finished: 2, taken: 0 });
      const alone = await threeJobs(null);
      expect((await post({ task: alone.id })).json()).toEqual({ project: `cvat/task-${alone.id}`, jobs: 3, finished: 2, taken: 2 });
      const gone = await post({ task: 99_999 });
      expect([gone.status, gone.body]).toEqual([502, expect.stringContaining('404') as string]);
      expect((await post({})).status).toBe(400);
    } finally {
      await facade.close();
    }
  });
});
