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

  const everyImage = (): Set<string> => new Set(world.frames.map(({ bytes }) => createHash('sha256').update(bytes).digest('hex')));
  const uploadsOf = async ({ id }: Task): Promise<number> => (await world.uploads.uploaded(world.cvat.url, id)).length;
  const gone = (task: Task): Promise<true> => until(async () => ((await uploadsOf(task)) === 0 ? true : undefined));

  it('go with the next look where no webhook tells of a deletion, of frames that taught nothing, too', async () => {
    const task = await recorded('polls');
    const { task: other } = world.addTask();
    await world.uploads.add(world.cvat.url, other.id, [shape(1)]);
    // As whoever prefetches a task does.
    await world.answers.place(world.cvat.url, task.id, everyImage());
    await world.quiet();
    expect([await uploadsOf(task), await answered()]).toEqual([1, world.frames.length]);
    await world.cvat.deleteTask(task);
    await gone(task);
    await world.quiet();
    expect(await world.short()).toEqual([]);
    expect([await answered(), await world.answers.tasks(world.cvat.url)]).toEqual([0, []]);
    expect(await uploadsOf(other)).toBe(1);
  });

  it('go with a task that taught nothing, and images of another task stay', async () => {
    await recorded('polls');
    const [{ task }, { task: other }] = [world.addTask(), world.addTask()];
    const [first = '', second = ''] = [...everyImage()].slice(2);
    await world.answers.add(first, answer('two'), { server: world.cvat.url, task: task.id });
    await world.answers.place(world.cvat.url, other.id, new Set([second]));
    await world.answers.place(world.cvat.url, task.id, new Set([first, second]));
    await world.quiet();
    await world.cvat.deleteTask(task);
    await until(async () => ((await world.answers.tasks(world.cvat.url)).length === 1 ? true : undefined));
    expect((await world.answers.answered(new Set([first, second]))).has(first)).toBe(false);
    expect(await answered()).toBe(world.frames.length - 1);
  });

  it('stay while CVAT refuses, answers for another, or shows nothing at all', async () => {
    await recorded('polls');
    const { task } = world.addTask();
    await world.uploads.add(world.cvat.url, task.id, [shape(1)]);
    await world.quiet();
    const empty = { status: 200, body: { count: 0, next: null, previous: null, results: [] } };
    for (const [status, isOtherShown] of [
      [403, true],
      [200, true],
      [404, false],
    ] as const) {
      world.cvat.state.trouble = undefined;
      await world.quiet();
      world.cvat.state.trouble = ({ path, query }) => {
        const filter = query.get('filter') ?? '';
        if (path === '/api/jobs' && filter.includes('task_id')) return empty;
        if (path === '/api/jobs' && filter.includes('1970-01-01') && !isOtherShown) return empty;
        return path === `/api/tasks/${task.id}`
          ? { status, ...(status === 200 && { body: { id: 1, name: 'login', project_id: null } }) }
          : undefined;
      };
      await world.askedFor((path) => path === '/api/jobs', 8);
      expect(await uploadsOf(task), `${status}`).toBe(1);
    }
    world.cvat.state.trouble = undefined;
    await world.quiet();
    await world.cvat.deleteTask(task);
    await gone(task);
  });

  it('stay where most of the tasks vanish at once, and go once nothing was added for a month', async () => {
    await recorded('polls');
    const tasks = Array.from({ length: 6 }, () => world.addTask().task);
    const { task: kept } = world.addTask();
    for (const one of [...tasks, kept]) await world.uploads.add(world.cvat.url, one.id, [shape(1)]);
    const records = join(world.folder, 'uploads');
    const old = new Date(Date.now() - MIN_AGE_MS - 60_000);
    const age = ({ id }: Task, ending: string): void => {
      for (const file of readdirSync(records).filter((name) => name.endsWith(`-task-${id}${ending}`)))
        utimesSync(join(records, file), old, old);
    };
    await world.quiet();
    for (const one of tasks) world.cvat.tasks.splice(world.cvat.tasks.indexOf(one), 1);
    await world.quiet();
    await world.restart();
    await world.quiet();
    const [first, second] = tasks as [Task, Task];
    expect([await uploadsOf(first), await uploadsOf(second)]).toEqual([1, 1]);
    for (const one of [first, kept]) for (const ending of ['.jsonl', '-seen.jsonl']) age(one, ending);
    await world.restart();
    // Its uploads go first, what was seen of it after them.
    const isThere = (): boolean => readdirSync(records).some((name) => name.includes(`-task-${first.id}`));
    await until(() => Promise.resolve(isThere() ? undefined : true));
    expect(await uploadsOf(first)).toBe(0);
    expect([await uploadsOf(second), await uploadsOf(kept)]).toEqual([1, 1]);
  });
}

describe('records of tasks, on SQLite and a folder', () => suite(() => Promise.resolve(undefined)));

describeOnServers('records of tasks, on Postgres and S3', suite);
