/** Records of uploads and answers: nothing is kept of what was taken back, replaced by newer answers, or is no more in CVAT. */
import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, utimesSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { createAnswerLog, MAX_ANSWER_AGE_MS, MAX_ANSWERS_OF_IMAGE } from '../../../src/adapters/cvat/annotate/answer-log.ts';
import { MIN_AGE_MS } from '../../../src/adapters/cvat/jobs/drop-records.ts';
import { createUploadLog } from '../../../src/adapters/cvat/jobs/upload-log.ts';
import { describeOnServers } from '../../unit/storage/on-servers.ts';
import { until } from '../../unit/adapters/webhook/webhook-server.ts';
import { box, learningWorld, type World } from './learning-world.ts';
import type { Task } from './stand-in-forms.ts';

const folders: string[] = [];
afterEach(() => folders.splice(0).forEach((folder) => rmSync(folder, { recursive: true, force: true })));
const newFolder = (): string => {
  const folder = mkdtempSync(join(tmpdir(), 'prosam-cvat-records-'));
  folders.push(folder);
  return folder;
};
const SERVER = 'http://cvat';
const shape = (id: number) => ({ id, frame: id, label_id: 1, type: 'rectangle', points: [0, 0, 9, 9] });
const image = (name: string) => createHash('sha256').update(name).digest('hex');
const answer = (form: string) => [{ label: 'cup', forms: [form], group: 0 }];

describe('the record of uploads', () => {
  it('keeps nothing of what was taken back, whoever adds meanwhile, and of a task that was dropped', async () => {
    const folder = newFolder();
    const [command, service] = [createUploadLog(folder), createUploadLog(folder)];
    await command.add(SERVER, 7, [shape(1), shape(2)]);
    await command.add(SERVER, 77, [shape(1)]);
    await Promise.all([
      ...Array.from({ length: 10 }, (_, i) => service.add(SERVER, 7, [shape(10 + i)])),
      ...[1, 2].map((id) => command.forget(SERVER, 7, [id])),
    ]);
    expect((await service.uploaded(SERVER, 7)).map(({ id }) => id).sort()).toEqual(Array.from({ length: 10 }, (_, i) => 10 + i));
    const file = readdirSync(folder).find((name) => name.endsWith('-task-7.jsonl')) ?? '';
    expect(readFileSync(join(folder, file), 'utf8').trim().split('\n')).toHaveLength(10);
    expect((await service.tasks?.(SERVER))?.map(({ task }) => task).sort()).toEqual([7, 77]);
    await service.drop?.(SERVER, 7);
    expect(await command.uploaded(SERVER, 7)).toEqual([]);
    // No lock, and no half-written file either.
    expect(readdirSync(folder)).toHaveLength(1);
    expect(await service.uploaded(SERVER, 77)).toHaveLength(1);
  });
});

describe('the record of answers', () => {
  const formsOf = async (folder: string, name: string) =>
    ((await createAnswerLog(folder).answered(new Set([image(name)]))).get(image(name)) ?? []).map(({ forms }) => forms[0]);
  const size = (folder: string): number =>
    readdirSync(join(folder, 'answers')).reduce((sum, name) => sum + readFileSync(join(folder, 'answers', name)).byteLength, 0);

  it('keeps nothing of what was taken back', async () => {
    const folder = newFolder();
    const log = createAnswerLog(folder);
    await log.add(image('a'), [...answer('one'), ...answer('two')]);
    const before = size(folder);
    await log.takenBack(image('a'), ['one']);
    expect(await formsOf(folder, 'a')).toEqual(['two']);
    expect(size(folder)).toBeLessThan(before);
    await log.takenBack(image('a'), ['two']);
    expect(readdirSync(join(folder, 'answers'))).toEqual([]);
  });

  it('keeps the newest answers for an image, for a year', async () => {
    const folder = newFolder();
    let nowMs = 1_790_000_000_000;
    for (let i = 0; i < MAX_ANSWERS_OF_IMAGE + 3; i++)
      await createAnswerLog(folder, { nowMs: () => nowMs + i }).add(image('a'), answer(`${i}`));
    // A process that is started shortens what it adds to first.
    expect(await formsOf(folder, 'a')).toEqual(Array.from({ length: MAX_ANSWERS_OF_IMAGE + 1 }, (_, i) => `${i + 2}`));
    nowMs += MAX_ANSWER_AGE_MS + 1000;
    await createAnswerLog(folder, { nowMs: () => nowMs }).add(image('a'), answer('last'));
    expect(await formsOf(folder, 'a')).toEqual(['last']);
  });

  it('drops images that are no more, and no other', async () => {
    const folder = newFolder();
    const log = createAnswerLog(folder);
    for (const name of ['a', 'b', 'c']) await log.add(image(name), answer(name));
    await log.drop(new Set([image('a'), image('c')]));
    expect([await formsOf(folder, 'a'), await formsOf(folder, 'b'), await formsOf(folder, 'c')]).toEqual([[], ['b'], []]);
  });
});

function suite(open: () => Promise<{ database: string; objects: string } | undefined>): void {
  let world: World;
  afterEach(() => world.close());

  /** A task somebody labeled two frames of, with records of both kinds. */
  async function recorded(how: 'webhooks' | 'polls'): Promise<Task> {
    const place = await open();
    world = await learningWorld(how, place);
    world.cvat.state.projects.set(5, 'five');
    const { task, job } = world.addTask();
    for (const frame of [0, 1]) await world.cvat.draw(job, { frame, label: 'cat', ...box(5, 5, 15, 15) });
    await world.complete(job);
    await world.uploads.add(world.cvat.url, task.id, [shape(1)]);
    for (const { bytes } of world.frames) await world.answers.add(createHash('sha256').update(bytes).digest('hex'), answer('one'));
    return task;
  }
  const answered = async (): Promise<number> => {
    const all = new Set(world.frames.map(({ bytes }) => createHash('sha256').update(bytes).digest('hex')));
    return (await world.answers.answered(all)).size;
  };

  it('go with a task whose deletion a webhook told and CVAT confirms', async () => {
    const task = await recorded('webhooks');
    // Its project is still shown.
    world.addTask();
    expect(await world.short()).toHaveLength(2);
    const before = await answered();
    await world.cvat.deleteTask(task);
    await world.quiet();
    await until(async () => ((await world.uploads.uploaded(world.cvat.url, task.id)).length === 0 ? true : undefined));
    expect(await world.short()).toEqual([]);
    // Of frames that taught nothing, nobody knows which task they were of.
    expect(await answered()).toBe(before - 2);
  });

  it('go with a task that CVAT does not know, after a month in which nothing was added, and not while it shows nothing at all', async () => {
    const task = await recorded('polls');
    const other = world.addTask();
    await world.uploads.add(world.cvat.url, other.task.id, [shape(1)]);
    const records = join(world.folder, 'uploads');
    const old = new Date(Date.now() - MIN_AGE_MS - 60_000);
    const age = (of: number): void => {
      const name = readdirSync(records).find((file) => file.endsWith(`-task-${of}.jsonl`)) ?? '';
      utimesSync(join(records, name), old, old);
    };
    const uploadsOf = async (of: Task): Promise<number> => (await world.uploads.uploaded(world.cvat.url, of.id)).length;
    await world.cvat.deleteTask(task);
    await world.restart();
    await world.quiet();
    expect(await uploadsOf(task)).toBe(1);
    age(task.id);
    age(other.task.id);
    await world.stop();
    world.cvat.state.trouble = ({ path, query }) => {
      if (path === '/api/jobs' && query.get('filter')?.includes('1970-01-01T00:00:00.000Z') === true)
        return { status: 200, body: { count: 0, next: null, previous: null, results: [] } };
      return path.startsWith('/api/tasks/') ? { status: 404 } : undefined;
    };
    const asked = world.askedFor((path) => path === `/api/tasks/${other.task.id}`);
    await world.start();
    await asked;
    await world.quiet();
    expect([await uploadsOf(task), await uploadsOf(other.task)]).toEqual([1, 1]);
    world.cvat.state.trouble = undefined;
    await world.restart();
    await until(async () => ((await uploadsOf(task)) === 0 ? true : undefined));
    expect(await uploadsOf(other.task)).toBe(1);
  });
}

describe('records of tasks, on SQLite and a folder', () => suite(() => Promise.resolve(undefined)));

describeOnServers('records of tasks, on Postgres and S3', suite);
