/** Jobs that people are done with: read back and told to the service. */
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, appendFileSync, readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createCvatClient } from '../../../../src/adapters/cvat/api/client.ts';
import type { UploadedShape } from '../../../../src/adapters/cvat/types.ts';
import { createUploadLog } from '../../../../src/adapters/cvat/jobs/upload-log.ts';
import { startStandIn, TOKEN, type StandIn } from '../stand-in-cvat.ts';
import { until } from '../../../unit/adapters/webhook/webhook-server.ts';
import { exactService, send, startFacade } from './facade-server.ts';
import { SECRET } from './traffic.ts';

describe('a job that people are done with', () => {
  let cvat: StandIn;
  let facade: Awaited<ReturnType<typeof startFacade>>;
  let folder: string;
  let frames: { name: string; width: number; height: number; bytes: Uint8Array }[];

  beforeAll(async () => {
    frames = await Promise.all(
      [10, 60, 110].map(async (grey, i) => {
        const bytes = await sharp({ create: { width: 40, height: 30, channels: 3, background: { r: grey, g: grey, b: 9 } } })
          .png()
          .toBuffer();
        return { name: `${i}.png`, width: 40, height: 30, bytes };
      }),
    );
  });
  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'prosam-uploads-'));
    cvat = await startStandIn();
    const api = createCvatClient({ url: cvat.url, token: TOKEN });
    facade = await startFacade({ service: exactService(), api, uploads: createUploadLog(folder), webhookSecrets: [SECRET] });
  });
  afterEach(async () => {
    await facade.close();
    await cvat.close();
    rmSync(folder, { recursive: true, force: true });
  });

  type Task = ReturnType<StandIn['addTask']>;
  const jobOf = ({ jobs }: Task) => jobs[0] as Task['jobs'][number];
  const hook = () =>
    cvat.webhooks.push({
      id: 1,
      target_url: `${facade.url}/webhook`,
      secret: SECRET,
      project_id: 5,
      events: ['update:job'],
      is_active: true,
      type: 'project',
    });
  const setState = async (job: number, changes: object) => {
    const response = await fetch(`${cvat.url}/api/jobs/${job}`, {
      method: 'PATCH',
      headers: { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' },
      body: JSON.stringify(changes),
    });
    expect(response.status).toBe(200);
  };
  const told = () =>
    facade.service.state.annotations.map(({ project, source, externalId, provenance, labels, absent }) => ({
      project,
      source,
      externalId,
      provenance,
      labels: labels.map(({ label }) => label),
      ...(absent && { absent }),
    }));

  it('is read back, compared with what was uploaded, and learned from', async () => {
    const task = cvat.addTask({ frames, labels: [{ name: 'cat' }, { name: 'dog' }], project: 5 });
    const job = jobOf(task);
    const kept = cvat.addShape(task, { type: 'mask', frame: 0, label: 'cat', points: [0, 4, 3, 3, 4, 4], source: 'auto' });
    const drawn = cvat.addShape(task, { type: 'polygon', frame: 1, label: 'dog', points: [1, 1, 9, 1, 9, 9] });
    const deleted = { id: 9999, frame: 2, label_id: kept.label_id, type: 'rectangle', points: [1, 1, 5, 5] };
    await createUploadLog(folder).add(cvat.url, task.id, [{ ...kept, type: 'mask' }, deleted]);
    hook();
    await setState(job.id, { state: 'in progress' });
    // Somebody works on it: its frames are fetched before they are clicked in.
    await until(() => Promise.resolve(facade.adapter.frames.size === 3 ? true : undefined));
    await setState(job.id, { state: 'completed' });
    await until(() => Promise.resolve(told().length === 3 ? true : undefined));
    const prefix = `task-${task.id}/job-${job.id}/`;
    const common = { project: 'cvat/project-5', source: 'cvat' };
    expect(told().toReversed()).toEqual([
      { ...common, externalId: `${prefix}frame-0/label-${kept.label_id}`, provenance: 'accepted', labels: ['cat'] },
      { ...common, externalId: `${prefix}frame-1/label-${drawn.label_id}`, provenance: 'drawn', labels: ['dog'] },
      { ...common, externalId: `${prefix}frame-2/label-${kept.label_id}`, provenance: 'absent', labels: [], absent: ['cat'] },
    ]);
    // Frames it read are known from now on: clicks in them find their project.
    const sha256 = createHash('sha256')
      .update(frames[1]?.bytes ?? '')
      .digest('hex');
    expect(facade.adapter.frames.get(sha256)).toEqual({ server: cvat.url, task: task.id, frame: 1, project: 'cvat/project-5' });

    // Taken up again: a shape is gone, the label of another was renamed.
    const shapes = jobOf(task).shapes;
    shapes.splice(
      shapes.findIndex(({ id }) => id === drawn.id),
      1,
    );
    (task.labels[0] as { name: string }).name = 'kitten';
    await setState(job.id, { state: 'in progress' });
    expect(told()).toHaveLength(3);
    await setState(job.id, { state: 'completed' });
    await until(() => Promise.resolve(told().length === 2 ? true : undefined));
    expect(
      told()
        .map(({ provenance, labels }) => [provenance, ...labels])
        .sort(),
    ).toEqual([['absent'], ['accepted', 'kitten']]);
  });

  it('teaches what it can where one shape is unsound, and nothing where it was reopened meanwhile', async () => {
    const task = cvat.addTask({ frames, labels: [{ name: 'cat' }], project: null });
    const job = jobOf(task);
    cvat.addShape(task, { type: 'mask', frame: 0, label: 'cat', points: [7, 4, 3, 3, 4, 4] });
    cvat.addShape(task, { type: 'rectangle', frame: 1, label: 'cat', points: [1, 1, 9, 9] });
    hook();
    await setState(job.id, { state: 'completed' });
    await until(() => Promise.resolve(told().length === 1 ? true : undefined));
    expect(told()[0]).toMatchObject({ project: `cvat/task-${task.id}`, provenance: 'drawn' });
    await until(() => Promise.resolve(facade.lines.some((line) => line.includes('cannot be learned from')) ? true : undefined));
  });

  it('is found by looking where no webhook comes, once for each state', async () => {
    await facade.close();
    const api = createCvatClient({ url: cvat.url, token: TOKEN });
    const task = cvat.addTask({ frames, labels: [{ name: 'cat' }], project: 5 });
    const job = jobOf(task);
    cvat.addShape(task, { type: 'rectangle', frame: 1, label: 'cat', points: [1, 1, 9, 9] });
    facade = await startFacade({ service: exactService(), api, pollMs: 20, lookBackMs: 400 * 86_400_000 });
    const stop = await facade.adapter.work();
    try {
      await new Promise((resolve) => setTimeout(resolve, 100));
      expect(told()).toEqual([]);
      await setState(job.id, { state: 'in progress' });
      await until(() => Promise.resolve(facade.adapter.frames.size === 3 ? true : undefined));
      await setState(job.id, { state: 'completed' });
      await until(() => Promise.resolve(told().length === 1 ? true : undefined));
      await new Promise((resolve) => setTimeout(resolve, 150));
      const accepted = facade.service.state.calls.filter(({ name }) => name === 'annotations.accept');
      expect(accepted).toHaveLength(1);
      const filters = cvat.asked
        .filter(({ path }) => path === '/api/jobs')
        .map(({ query }) => query.get('filter') ?? '')
        // Jobs of the tasks it knows are asked for, too: whether they are still there.
        .filter((filter) => filter.includes('updated_date'));
      expect(filters.length).toBeGreaterThan(3);
      expect(filters.at(-1)).toContain(jobOf(task).updated_date);
    } finally {
      await stop();
    }
  });

  it('has its frames fetched beforehand where somebody asks for it', async () => {
    const task = cvat.addTask({ frames, labels: [{ name: 'cat' }], project: 5, deleted: [2] });
    const headers = { 'content-type': 'application/json' };
    const response = await send(`${facade.url}/prefetch`, 'POST', headers, JSON.stringify({ task: task.id }));
    expect(response.status).toBe(202);
    await until(() => Promise.resolve(facade.adapter.frames.size === 2 ? true : undefined));
    const seen: number[] = [];
    const done = await facade.adapter.prefetch({ task: task.id, frames: [1], onFrame: ({ frame }) => seen.push(frame) });
    expect([done, seen]).toEqual([{ project: 'cvat/project-5', frames: 1, embedded: 1 }, [1]]);
    const embedded = facade.service.state.calls
      .filter(({ name }) => name === 'predictions.prepare')
      .map(({ args }) => (args as { externalId: string }).externalId);
    expect(embedded).toContain(`${cvat.url}/tasks/${task.id}/frames/0`);
  });
});

describe('what was uploaded', () => {
  const folder = mkdtempSync(join(tmpdir(), 'prosam-book-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('is kept over restarts, apart for servers and tasks, and survives a line cut off by a crash', async () => {
    const one: UploadedShape = { id: 1, frame: 0, label_id: 2, type: 'mask', points: [0, 1, 0, 0, 0, 0] };
    await createUploadLog(folder).add('https://a', 8, [one, { ...one, id: 2 }]);
    const [file] = readdirSync(folder);
    appendFileSync(join(folder, file ?? ''), '\n{"id":3,"fra');
    const again = createUploadLog(folder);
    await again.add('https://a', 8, [{ ...one, id: 4 }]);
    await again.forget('https://a', 8, [2]);
    await again.add('https://b', 8, [{ ...one, id: 5 }]);
    expect((await again.uploaded('https://a', 8)).map(({ id }) => id)).toEqual([1, 4]);
    expect(await again.uploaded('https://a', 9)).toEqual([]);
  });
});
