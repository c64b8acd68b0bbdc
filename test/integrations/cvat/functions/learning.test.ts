/** From what people did in CVAT to what the service is told. */
import { createHash, createHmac } from 'node:crypto';
import { mkdtempSync, rmSync, appendFileSync, readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { compareShapes } from '../../../../src/adapters/cvat/jobs/compare-shapes.ts';
import { deletedOf, isDone, isFinishing, toldJobOf } from '../../../../src/adapters/cvat/jobs/job-events.ts';
import { marksOf } from '../../../../src/adapters/cvat/jobs/job-marks.ts';
import { revisionOf } from '../../../../src/adapters/cvat/jobs/look-at-job.ts';
import { createCvatClient } from '../../../../src/adapters/cvat/api/client.ts';
import { annotationFromShape } from '../../../../src/adapters/cvat/shape-annotation.ts';
import type { Message, Queue } from '../../../../src/service/ports/storage.ts';
import type { UploadedShape } from '../../../../src/adapters/cvat/types.ts';
import { createUploadBook } from '../../../../src/adapters/cvat/jobs/upload-log.ts';
import { maskFromAnnotation } from '../../../../src/core/mask/draw-annotation.ts';
import { maskArea } from '../../../../src/core/mask/raster.ts';
import { startStandIn, TOKEN, type StandIn } from '../stand-in-cvat.ts';
import { until } from '../../../unit/adapters/webhook/webhook-server.ts';
import { exactService, send, startFacade } from './facade-server.ts';
import { traffic, type RecordedWebhook } from './traffic.ts';

const SECRET = 'secret-of-the-webhook';
const SHOWN = ['02', '03', '04', '05', '06', '07', '08'];
const KINDS = ['update_job', 'update_job', 'update_task', 'update_job', 'update_job', 'update_job', 'update_job'];
const recorded = SHOWN.map((number, i) => traffic<RecordedWebhook>(`webhook_254_${number}_${KINDS[i]}`));
const ping = traffic<RecordedWebhook>('webhook_254_01_ping');

interface Before {
  state: string;
  stage: string;
}

describe('recorded webhooks', () => {
  it('mean a job is done where its state or stage really changed to it', () => {
    const told = recorded.map(({ body }) => toldJobOf(body));
    expect(told.map((one) => one?.job.change?.before)).toEqual([
      { state: 'new', stage: 'annotation' },
      undefined,
      undefined,
      { state: 'in progress', stage: 'annotation' },
      { state: 'completed', stage: 'annotation' },
      { state: 'completed', stage: 'acceptance' },
      { state: 'completed', stage: 'acceptance' },
    ]);
    expect(told.map((one) => one !== undefined && isDone(one.now))).toEqual([false, false, false, true, true, false, false]);
    const finishing = told.map((one) => one?.job.change && isFinishing(one.job.change.before, one.job.change));
    expect(finishing).toEqual([false, undefined, undefined, true, true, false, false]);
    for (const body of [ping.body, undefined, { event: 'update:job', job: { id: 'x' }, before_update: {} }]) {
      expect(toldJobOf(body)).toBeUndefined();
      expect(deletedOf(body)).toBeUndefined();
    }
  });

  it.each([
    ['completed', ['in progress', 'annotation'], ['completed', 'annotation'], true, true],
    ['completed without having been opened', ['new', 'validation'], ['completed', 'validation'], true, true],
    ['accepted', ['completed', 'annotation'], ['completed', 'acceptance'], true, true],
    ['moved on by somebody who worked on it', ['in progress', 'annotation'], ['new', 'validation'], true, true],
    ['handed on unopened', ['new', 'annotation'], ['new', 'validation'], true, false],
    ['handed to a reviewer unopened', ['new', 'validation'], ['new', 'acceptance'], true, false],
    ['opened by a reviewer', ['new', 'acceptance'], ['in progress', 'acceptance'], false, false],
    ['sent back', ['completed', 'validation'], ['rejected', 'annotation'], false, false],
    ['moved back as it is', ['completed', 'acceptance'], ['completed', 'annotation'], true, false],
    ['moved back', ['completed', 'validation'], ['new', 'annotation'], false, false],
    ['of a stage nobody knows', ['in progress', 'annotation'], ['new', 'later'], false, false],
  ] as const)('say of a job %s whether it is done, and whether a person finished it', (_, before, after, done, finishing) => {
    const [was, is] = [before, after].map(([state, stage]) => ({ state, stage })) as [Before, Before];
    expect([isDone(is), isFinishing(was, is)]).toEqual([done, finishing]);
  });

  it('are believed for their signature alone, answered at once, and taken once', async () => {
    const facade = await startFacade({
      api: { ...createCvatClient({ url: 'http://127.0.0.1:9', token: 'none' }), job: () => new Promise(() => undefined) },
      webhookSecrets: ['another-secret', 's3cret-s3cret'],
    });
    // Recorded with a secret that is too short to be configured: signed again, over the very same bytes.
    const post = ({ raw_body: raw }: RecordedWebhook, secret = 's3cret-s3cret') =>
      send(
        `${facade.url}/webhook`,
        'POST',
        { 'content-type': 'application/json', 'x-signature-256': `sha256=${createHmac('sha256', secret).update(raw).digest('hex')}` },
        raw,
      );
    try {
      expect((await post(ping)).status).toBe(200);
      const statuses = [];
      for (const one of recorded) statuses.push((await post(one)).status);
      expect(statuses).toEqual([200, 200, 200, 202, 202, 200, 200]);
      expect((await post(recorded[3] as RecordedWebhook)).json()).toEqual({ taken: false, why: 'it was taken before' });
      expect((await post(recorded[3] as RecordedWebhook, 'a-wrong-secret')).status).toBe(401);
      const { raw_body: raw, headers } = recorded[3] as RecordedWebhook;
      expect((await send(`${facade.url}/webhook`, 'POST', { 'content-type': 'application/json' }, raw)).status).toBe(401);
      const changed = raw.replace('"completed"', '"rejected" ');
      const old = { 'content-type': 'application/json', 'x-signature-256': headers['X-Signature-256'] ?? '' };
      expect((await send(`${facade.url}/webhook`, 'POST', old, changed)).status).toBe(401);
    } finally {
      facade.service.state.before = () => undefined;
      void facade.close();
    }
  });

  it('are kept beside what a look has found of the same job: messages that wait with one key are one', async () => {
    const sent: Message[] = [];
    const queue = { send: (message: Message) => Promise.resolve(void sent.push(message)) } as unknown as Queue;
    const facade = await startFacade({
      queue,
      api: createCvatClient({ url: 'http://127.0.0.1:9', token: 'none' }),
      webhookSecrets: [SECRET],
    });
    const body = JSON.parse(recorded[3]?.raw_body ?? '') as { before_update: object };
    // A save of the finished job, and then the change itself; each twice.
    for (const before_update of [{}, body.before_update, body.before_update, {}]) {
      const raw = JSON.stringify({ ...body, before_update });
      const signature = `sha256=${createHmac('sha256', SECRET).update(raw).digest('hex')}`;
      await send(`${facade.url}/webhook`, 'POST', { 'content-type': 'application/json', 'x-signature-256': signature }, raw);
    }
    await facade.close();
    expect(sent.map(({ data }) => (data as { change?: object }).change !== undefined)).toEqual([false, true]);
    expect(new Set(sent.map(({ key }) => key)).size).toBe(2);
  });

  it('carry signatures that this project makes the same', () => {
    for (const { raw_body: raw, secret, headers } of [ping, ...recorded])
      expect(`sha256=${createHmac('sha256', secret).update(raw).digest('hex')}`).toBe(headers['X-Signature-256']);
  });
});

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
    compareShapes(await marksOf({ shapes, tracks: [] }, frames), facts(uploaded, seen)).lessons.map(
      ({ frame, label, provenance, shapes: left }) => [frame, label, provenance, left.length],
    );

  it.each([
    ['kept', [shape(7, { points: [1, 1, 9, 9.001] })], [sent(7)], [[0, 1, 'accepted', 1]]],
    ['kept, with another id', [shape(8, { source: 'semi-auto' })], [sent(7)], [[0, 1, 'accepted', 1]]],
    ['edited in place', [shape(7, { points: [1, 1, 8, 9], source: 'semi-auto' })], [sent(7)], [[0, 1, 'edited', 1]]],
    ['put in its place by another program', [shape(7, { points: [1, 1, 8, 9] })], [sent(7)], [[0, 1, 'accepted', 1]]],
    ['drawn over after it was uploaded, without a change', [shape(7, { source: 'manual' })], [sent(7)], [[0, 1, 'accepted', 1]]],
    ['edited, with another id', [shape(8, { points: [1, 1, 8, 9], source: 'semi-auto' })], [sent(7)], [[0, 1, 'edited', 1]]],
    ['deleted', [], [sent(7)], [[0, 1, 'rejected', 0]]],
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
    const key = (frame: number, outside: boolean) => ({ type: 'rectangle', frame, points: [1, 1, 5, 5], rotation: 0, outside });
    const track = { id: 1, frame: 0, label_id: 4, source: 'manual', attributes: [], shapes: [key(0, false), key(2, true), key(9, false)] };
    const marks = await marksOf({ shapes: [], tracks: [track] }, frames);
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
    facade = await startFacade({ service: exactService(), api, uploads: createUploadBook(folder), webhookSecrets: [SECRET] });
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
    const answer = await fetch(`${cvat.url}/api/jobs/${job}`, {
      method: 'PATCH',
      headers: { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' },
      body: JSON.stringify(changes),
    });
    expect(answer.status).toBe(200);
  };
  const told = () =>
    facade.service.state.annotations.map(({ project, source, externalId, provenance, labels }) => ({
      project,
      source,
      externalId,
      provenance,
      labels: labels.map(({ label }) => label),
    }));

  it('is read back, compared with what was uploaded, and learned from', async () => {
    const task = cvat.addTask({ frames, labels: [{ name: 'cat' }, { name: 'dog' }], project: 5 });
    const job = jobOf(task);
    const kept = cvat.addShape(task, { type: 'mask', frame: 0, label: 'cat', points: [0, 4, 3, 3, 4, 4], source: 'auto' });
    const drawn = cvat.addShape(task, { type: 'polygon', frame: 1, label: 'dog', points: [1, 1, 9, 1, 9, 9] });
    const deleted = { id: 9999, frame: 2, label_id: kept.label_id, type: 'rectangle', points: [1, 1, 5, 5] };
    await createUploadBook(folder).add(cvat.url, task.id, [{ ...kept, type: 'mask' }, deleted]);
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
      { ...common, externalId: `${prefix}frame-2/label-${kept.label_id}`, provenance: 'rejected', labels: [] },
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
    ).toEqual([['accepted', 'kitten'], ['rejected']]);
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
        .map(({ query }) => JSON.parse(query.get('filter') ?? '{}') as object);
      expect(filters.length).toBeGreaterThan(3);
      expect(JSON.stringify(filters.at(-1))).toContain(jobOf(task).updated_date);
    } finally {
      await stop();
    }
  });

  it('has its frames fetched beforehand where somebody asks for it', async () => {
    const task = cvat.addTask({ frames, labels: [{ name: 'cat' }], project: 5, deleted: [2] });
    const headers = { 'content-type': 'application/json' };
    const answer = await send(`${facade.url}/prefetch`, 'POST', headers, JSON.stringify({ task: task.id }));
    expect(answer.status).toBe(202);
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
    await createUploadBook(folder).add('https://a', 8, [one, { ...one, id: 2 }]);
    const [file] = readdirSync(folder);
    appendFileSync(join(folder, file ?? ''), '\n{"id":3,"fra');
    const again = createUploadBook(folder);
    await again.add('https://a', 8, [{ ...one, id: 4 }]);
    await again.forget('https://a', 8, [2]);
    await again.add('https://b', 8, [{ ...one, id: 5 }]);
    expect((await again.uploaded('https://a', 8)).map(({ id }) => id)).toEqual([1, 4]);
    expect(await again.uploaded('https://a', 9)).toEqual([]);
  });
});
