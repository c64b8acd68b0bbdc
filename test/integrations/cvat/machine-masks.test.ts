/** Masks that machines put into CVAT teach nothing before a person has looked at them. */
import { afterEach, describe, expect, it } from 'vitest';
import type { Trouble } from './stand-in-cvat.ts';
import { cocoRleFromMaskSync } from '../../../src/core/mask/rle.ts';
import { box, learningWorld, PROJECT, type How, type World } from './learning-world.ts';

let world: World;
afterEach(() => world.close());

/** What a program finds on every frame: something else, and larger than what people draw. */
const found = Array.from({ length: 8 }, (_, frame) => ({ frame, label: 'cat', ...box(2, 2, 36, 28) }));
const DRAWN = ['0 cat drawn 100', '1 cat drawn 100'];
const ACCEPTED = [2, 3, 4, 5, 6, 7].map((frame) => `${frame} cat accepted ${34 * 26}`);

async function twoDrawn() {
  const { task, job } = world.addTask();
  await world.cvat.move(job, { state: 'in progress' });
  await world.cvat.draw(job, { frame: 0, label: 'cat', ...box(5, 5, 15, 15) }, { frame: 1, label: 'cat', ...box(6, 6, 16, 16) });
  await world.complete(job);
  expect(await world.short()).toEqual(DRAWN);
  return { task, job };
}

describe.each<How>(['webhooks', 'polls', 'both'])('told by %s', (how) => {
  it('an automatic annotation after a job was completed changes nothing until a person completes it again', async () => {
    world = await learningWorld(how);
    const { task, job } = await twoDrawn();
    const before = { truth: await world.truth(), references: await world.references('cat') };
    await world.cvat.autoAnnotate(task, found);
    await world.quiet();
    // Saves of programs come one after another, and each is told and found.
    await world.cvat.autoAnnotate(task, [{ frame: 3, label: 'dog', ...box(1, 1, 4, 4) }]);
    await world.quiet();
    await world.restart();
    await world.quiet();
    expect({ truth: await world.truth(), references: await world.references('cat') }).toEqual(before);
    expect(world.facade.adapter.problems()).toEqual([
      expect.stringMatching(/^cvat: 9 machine-made shapes wait for review in job \d+ and nothing is learned from them/) as string,
    ]);

    await world.complete(job);
    expect(await world.short()).toEqual([...DRAWN, ACCEPTED[0], ACCEPTED[1], '3 dog accepted 9', ...ACCEPTED.slice(2)]);
    // The masks people drew are the very same, pixel by pixel, and nothing was stored anew.
    expect((await world.truth()).slice(0, 2)).toEqual(before.truth);
    expect(world.facade.adapter.problems()).toEqual([]);
  });

  it('what a program put there before a person completed the job is accepted, changed by a person edited', async () => {
    world = await learningWorld(how);
    const { task, job } = world.addTask();
    await world.cvat.autoAnnotate(task, found.slice(0, 3));
    await world.reopen(job);
    const [first] = job.shapes;
    await world.cvat.edit(job, first?.id ?? -1, box(3, 3, 20, 20));
    await world.complete(job);
    expect(await world.short()).toEqual(['0 cat edited 289', `1 cat accepted ${34 * 26}`, `2 cat accepted ${34 * 26}`]);
  });

  it('shapes uploaded by ourselves wait in the same way, and count as rejected only where a person took them out', async () => {
    world = await learningWorld(how);
    const { task, job } = await twoDrawn();
    const [cat] = task.labels;
    const before = new Set(job.shapes.map(({ id }) => id));
    await world.cvat.autoAnnotate(task, found.slice(2, 4));
    const sent = job.shapes.filter(({ id }) => !before.has(id)).map((shape) => ({ ...shape, label_id: cat?.id ?? -1 }));
    await world.uploads.add(world.cvat.url, task.id, sent);
    await world.quiet();
    expect(await world.short()).toEqual(DRAWN);
    // A program replaces everything: nobody rejected anything.
    await world.cvat.autoAnnotate(task, found.slice(4, 5), { cleanup: true });
    await world.quiet();
    expect([await world.short(), await world.rejected()]).toEqual([DRAWN, 0]);
  });

  it('"clean old annotations" leaves what people drew as they left it, and says so', async () => {
    world = await learningWorld(how);
    const { task, job } = await twoDrawn();
    const before = await world.truth();
    await world.cvat.autoAnnotate(task, found, { cleanup: true });
    await world.quiet();
    expect(await world.truth()).toEqual(before);
    expect(world.facade.adapter.problems()).toEqual([
      expect.stringContaining('cvat: 8 machine-made shapes wait for review') as string,
      expect.stringContaining('cvat: 2 masks learned from job') as string,
    ]);
    await world.restart();
    // A person who looks and completes takes the program's shapes, at their low weight.
    await world.complete(job);
    const all = ['0', '1'].map((frame) => `${frame} cat accepted ${34 * 26}`);
    expect(await world.short()).toEqual([...all, ...ACCEPTED]);
    expect(await world.rejected()).toBe(0);
  });

  it('a job moved by its stage teaches like one that is completed; one only handed on does not say that anybody looked', async () => {
    world = await learningWorld(how);
    const { task, job } = world.addTask({ jobSize: 4 });
    const other = task.jobs[1] as typeof job;
    await world.cvat.autoAnnotate(task, found);
    await world.quiet();
    // Nobody opened it: a reviewer is to look at it.
    await world.cvat.move(other, { stage: 'validation' });
    await world.quiet();
    expect(await world.short()).toEqual([]);
    await world.reopen(job);
    await world.cvat.move(job, { stage: 'validation' });
    await world.quiet();
    expect(job.state).toBe('new');
    expect((await world.truth()).map(({ frame, provenance }) => [frame, provenance])).toEqual(
      [0, 1, 2, 3].map((frame) => [frame, 'accepted']),
    );
    await world.complete(other);
    expect((await world.truth()).map(({ frame }) => frame)).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
    expect(other.stage).toBe('validation');
  });

  it('a person who takes shapes out and completes the job again is believed', async () => {
    world = await learningWorld(how);
    const { task, job } = await twoDrawn();
    await world.uploads.add(world.cvat.url, task.id, [{ id: 5, frame: 7, label_id: task.labels[0]?.id ?? -1, ...box(1, 1, 3, 3) }]);
    await world.reopen(job);
    await world.cvat.erase(job, job.shapes[0]?.id ?? -1);
    await world.quiet();
    expect(await world.short()).toEqual(DRAWN);
    await world.complete(job);
    expect(await world.short()).toEqual(DRAWN.slice(1));
    expect(await world.rejected()).toBe(1);
    // What is drawn again is alive again.
    await world.reopen(job);
    await world.cvat.draw(job, { frame: 0, label: 'cat', ...box(5, 5, 15, 15) });
    await world.complete(job);
    expect(await world.short()).toEqual(DRAWN);
  });
});

it('"clean old annotations" before a completed job was read leaves nothing to learn from, and says so', async () => {
  world = await learningWorld('polls');
  const { task, job } = world.addTask();
  await world.stop();
  await world.cvat.draw(job, { frame: 0, label: 'cat', ...box(5, 5, 15, 15) });
  await world.cvat.move(job, { state: 'completed' });
  await world.cvat.autoAnnotate(task, found.slice(4), { cleanup: true });
  await world.start();
  await world.quiet();
  expect([await world.truth(), await world.rejected()]).toEqual([[], 0]);
  expect(world.facade.adapter.problems()).toEqual([
    expect.stringMatching(
      /^cvat: 4 machine-made shapes wait for review in job \d+ and nothing is learned from them, for nobody has/,
    ) as string,
  ]);
  const answer = await fetch(`${world.facade.url}/status`);
  expect(await answer.json()).toMatchObject({
    problems: world.facade.adapter.problems(),
    jobs: [{ task: task.id, job: job.id, waiting: 4, replaced: 0, doubted: 0 }],
  });
});

it('nothing that nobody looked at is a reference, a target or the truth of the gate', async () => {
  world = await learningWorld('both');
  const { task, job } = world.addTask();
  await world.cvat.draw(job, ...[0, 1, 2, 3, 4, 5].map((frame) => ({ frame, label: 'cat', ...box(5, 5, 15 + frame, 15) })));
  await world.complete(job);
  const before = [await world.references('cat'), await world.learner()];
  expect((before[1] as { masks: unknown[] }).masks).toHaveLength(6);
  await world.cvat.autoAnnotate(task, found);
  await world.cvat.autoAnnotate(task, found);
  await world.quiet();
  expect([await world.references('cat'), await world.learner()]).toEqual(before);
});

it('a webhook that comes late, twice or in another order changes nothing about what was looked at', async () => {
  world = await learningWorld('both');
  const { task, job } = world.addTask();
  await world.cvat.autoAnnotate(task, found.slice(0, 1));
  // Opened and completed between two looks: looking alone cannot tell whether a program was there last.
  await world.stop();
  world.cvat.state.unheard = true;
  const first = world.cvat.sent.length;
  await world.cvat.move(job, { state: 'in progress' });
  await world.cvat.move(job, { state: 'completed' });
  await world.cvat.autoAnnotate(task, found.slice(1, 2));
  world.cvat.state.unheard = false;
  const late = world.cvat.sent.slice(first);
  await world.start();
  await world.quiet();
  const deliver = async (): Promise<void> => {
    for (const one of [...late.toReversed(), ...late]) await world.deliver(one);
    await world.quiet();
  };
  await deliver();
  const once = await world.truth();
  // Neither program's shape was seen before the person finished, or is known to have been there then: both wait.
  expect(once.filter(({ frame }) => frame === 1)).toEqual([]);
  await deliver();
  expect(await world.truth()).toEqual(once);
  await world.complete(job);
  expect((await world.truth()).map(({ frame, provenance }) => [frame, provenance])).toEqual([
    [0, 'accepted'],
    [1, 'accepted'],
  ]);
});

it('what an earlier version learned of a program, together with what a person drew, is put right at the next look', async () => {
  world = await learningWorld('webhooks');
  const { task, job } = await twoDrawn();
  const drawn = await world.truth();
  // As it was stored then: under the same name, at the same date, and with nothing written down about it.
  await world.stop();
  world.forget();
  await world.start();
  const { annotations } = world.storage.store;
  const [one] = await annotations.list(PROJECT, { limit: 1 });
  if (one === undefined) throw new Error('a mask was expected');
  const { project, source, externalId, revision, sha256 } = one;
  const whole = { label: 'cat', rle: cocoRleFromMaskSync({ data: new Uint8Array(1200).fill(1), width: 40, height: 30 }), area: 1200 };
  await annotations.remove({ project, source, externalId }, revision);
  const image = { project, sha256, width: 40, height: 30 };
  await annotations.accept(
    { project, source, externalId, revision: revision + 1, image, provenance: 'edited', masks: [whole], createdMs: 1 },
    [],
  );
  expect((await world.truth()).map(({ area }) => area)).toContain(1200);
  await world.cvat.autoAnnotate(task, found);
  await world.quiet();
  expect((await world.truth()).map(({ counts, provenance }) => [counts, provenance])).toEqual(
    drawn.map(({ counts, provenance }) => [counts, provenance]),
  );
  expect(job.state).toBe('completed');
});

describe('between two looks', () => {
  it('a program that saved after a person finished, before anybody looked, teaches nothing and takes nothing out', async () => {
    world = await learningWorld('polls');
    const { task, job } = await twoDrawn();
    await world.reopen(job);
    await world.stop();
    await world.cvat.move(job, { state: 'completed' });
    await world.cvat.autoAnnotate(task, found.slice(4), { cleanup: true });
    await world.start();
    await world.quiet();
    expect([await world.short(), await world.rejected()]).toEqual([DRAWN, 0]);
  });

  it('what a look cannot tell the webhook does, whichever comes first', async () => {
    world = await learningWorld('both');
    const { task, job } = world.addTask();
    await world.stop();
    world.cvat.state.unheard = true;
    await world.cvat.autoAnnotate(task, found.slice(2, 3));
    await world.cvat.move(job, { state: 'in progress' });
    await world.cvat.move(job, { state: 'completed' });
    world.cvat.state.unheard = false;
    await world.start();
    await world.quiet();
    expect(await world.short()).toEqual([]);
    await world.deliver(world.cvat.sent.at(-1));
    await world.quiet();
    expect(await world.short()).toEqual(ACCEPTED.slice(0, 1));
  });
});

it('a prediction that a person replaced stays one that was edited, whatever programs save afterwards', async () => {
  world = await learningWorld('both');
  const { task, job } = world.addTask();
  const cat = task.labels[0]?.id ?? -1;
  await world.uploads.add(world.cvat.url, task.id, [{ id: 7, frame: 0, label_id: cat, ...box(1, 1, 3, 3) }]);
  await world.cvat.draw(job, { frame: 0, label: 'cat', ...box(5, 5, 15, 15) });
  await world.complete(job);
  const before = await world.truth();
  expect(before).toMatchObject([{ provenance: 'edited' }]);
  await world.cvat.autoAnnotate(task, found.slice(3));
  await world.quiet();
  expect(await world.truth()).toEqual(before);
});

it("a program's shape that comes back as if a person had drawn it is still the program's, and a copy of a person's still theirs", async () => {
  world = await learningWorld('both');
  const { task, job } = await twoDrawn();
  await world.cvat.autoAnnotate(task, found.slice(2, 3));
  await world.quiet();
  const machine = job.shapes.at(-1);
  // Exported and imported again, in a format that does not say who made it.
  await world.cvat.erase(job, machine?.id ?? -1);
  await world.cvat.draw(job, { frame: 2, label: 'cat', ...box(2, 2, 36, 28) });
  await world.cvat.autoAnnotate(task, [{ frame: 0, label: 'cat', ...box(5, 5, 15, 15) }]);
  await world.quiet();
  expect(await world.short()).toEqual(DRAWN);
  await world.complete(job);
  expect(await world.short()).toEqual([...DRAWN, ACCEPTED[0]]);
});

describe('one image has one truth', () => {
  it('of replicas the one finished last, of all the ground truth, and whoever is left when that goes', async () => {
    world = await learningWorld('both');
    const { task, job } = world.addTask();
    const replicas = [0, 1].map(() => world.cvat.addJob(task, { parent_job_id: job.id }));
    const [one, two] = replicas as [typeof job, typeof job];
    for (const [replica, side] of [
      [one, 11],
      [two, 12],
    ] as const) {
      await world.cvat.draw(replica, { frame: 0, label: 'cat', ...box(0, 0, side, side) });
      await world.complete(replica);
    }
    expect(await world.truth()).toMatchObject([{ frame: 0, job: two.id, area: 144 }]);
    // A program saves in the first one: it was not finished again.
    await world.cvat.autoAnnotate(task, found);
    await world.quiet();
    expect(await world.truth()).toMatchObject([{ job: two.id, area: 144 }]);
    const truth = world.cvat.addJob(task, { type: 'ground_truth' });
    await world.cvat.draw(truth, { frame: 0, label: 'cat', ...box(0, 0, 13, 13) });
    await world.complete(truth);
    expect(await world.truth()).toMatchObject([{ job: truth.id, area: 169, provenance: 'ground_truth' }]);
    await world.complete(one);
    expect((await world.truth()).filter(({ frame }) => frame === 0)).toMatchObject([{ job: truth.id, area: 169 }]);
    await world.cvat.deleteJob(truth);
    await world.quiet();
    expect((await world.truth()).filter(({ frame }) => frame === 0)).toMatchObject([{ job: one.id, area: 121, provenance: 'drawn' }]);
  });

  it('of a job that CVAT hides from us stays, and that of one which lost its say comes back as it was', async () => {
    world = await learningWorld('both');
    const { task, job } = world.addTask();
    const truth = world.cvat.addJob(task, { type: 'ground_truth' });
    for (const [one, side] of [
      [job, 11],
      [truth, 12],
    ] as const) {
      await world.cvat.draw(one, { frame: 0, label: 'cat', ...box(0, 0, side, side) });
      await world.complete(one);
    }
    const before = await world.truth();
    expect(before).toMatchObject([{ job: truth.id, area: 144 }]);
    const [square] = truth.shapes;
    for (let turn = 0; turn < 2; turn++) {
      // Taken out of the ground truth and put back: nothing changes in the other job meanwhile, and yet it is listened to.
      await world.reopen(truth);
      await world.cvat.erase(truth, ...truth.shapes.map(({ id }) => id));
      await world.complete(truth);
      expect(await world.truth()).toMatchObject([{ job: job.id, area: 121, provenance: 'drawn' }]);
      await world.reopen(truth);
      await world.cvat.draw(truth, { frame: 0, label: 'cat', type: 'mask', points: square?.points ?? [] });
      await world.complete(truth);
      expect(await world.truth()).toMatchObject([{ job: truth.id, area: 144 }]);
    }
    const last = await world.truth();
    task.jobs.pop();
    await world.complete(job);
    expect(await world.truth()).toEqual(last);
  });

  it('is not lost to a job whose own shape is unsound, or which only threw a prediction away', async () => {
    world = await learningWorld('both');
    const { task, job } = world.addTask();
    const [unsound, thrown] = [world.cvat.addJob(task), world.cvat.addJob(task)];
    await world.cvat.draw(job, { frame: 0, label: 'cat', ...box(0, 0, 11, 11) });
    await world.complete(job);
    const before = await world.truth();
    await world.cvat.draw(unsound, { frame: 0, label: 'cat', type: 'mask', points: [7, 4, 3, 3, 4, 4] });
    await world.complete(unsound);
    expect(world.facade.lines).toContainEqual(expect.stringContaining('cannot be learned from'));
    await world.uploads.add(world.cvat.url, task.id, [{ id: 7, frame: 0, label_id: task.labels[0]?.id ?? -1, ...box(1, 1, 3, 3) }]);
    await world.complete(thrown);
    expect(await world.truth()).toEqual(before);
  });

  it("is not a machine's because it stands in the ground truth", async () => {
    world = await learningWorld('both');
    const { task, job } = world.addTask();
    job.type = 'ground_truth';
    await world.cvat.autoAnnotate(task, found.slice(0, 2));
    await world.complete(job);
    expect((await world.truth()).map(({ provenance }) => provenance)).toEqual(['accepted', 'accepted']);
  });
});

describe("a stranger's answer", () => {
  const html = { status: 200, body: '<html>log in</html>' };
  it.each<[string, Trouble]>([
    ['404', { status: 404, body: { detail: 'Not found.' } }],
    ['403', { status: 403, body: { detail: 'no' } }],
    ['a login page', html],
    ['a redirect', { status: 302, headers: { location: 'http://192.0.2.1/login' } }],
    ['an empty list', { status: 200, body: { count: 0, next: null, previous: null, results: [] } }],
    ['a list that ends early', { status: 200, body: { count: 9, next: null, previous: null, results: [] } }],
    ['empty annotations', { status: 200, body: { version: 0, tags: [], shapes: [], tracks: [] } }],
  ])('of %s to everything removes and rejects nothing', async (_, trouble) => {
    world = await learningWorld('both');
    const { job, task } = await twoDrawn();
    const before = await world.truth();
    world.cvat.state.trouble = () => trouble;
    await world.cvat.move(job, { state: 'in progress' });
    await world.cvat.move(job, { state: 'completed' });
    await world.cvat.autoAnnotate(task, found);
    await world.askedFor(() => true, 8);
    expect([await world.truth(), await world.rejected()]).toEqual([before, 0]);
    world.cvat.state.trouble = undefined;
  });

  it.each([
    ['labels', /\/api\/labels/],
    ['jobs of the task', /\/api\/jobs$/],
  ])('of no %s, where all else is answered, removes nothing', async (_, missing) => {
    world = await learningWorld('webhooks');
    const { job } = await twoDrawn();
    const before = await world.truth();
    await world.cvat.move(job, { state: 'in progress' });
    world.cvat.state.trouble = (asked) =>
      missing.test(asked.path) ? { status: 200, body: { count: 0, next: null, previous: null, results: [] } } : undefined;
    const refused = world.askedFor((path) => missing.test(path));
    await world.cvat.move(job, { state: 'completed' });
    await refused;
    world.cvat.state.trouble = undefined;
    await world.quiet();
    expect(await world.truth()).toEqual(before);
  });

  it.each<How>(['webhooks', 'polls', 'both'])(
    'of nearly nothing where a job held much is believed once it was completed again (%s)',
    async (how) => {
      world = await learningWorld(how);
      const { task, job } = world.addTask();
      await world.cvat.draw(job, ...[0, 1, 2, 3, 4, 5, 6].map((frame) => ({ frame, label: 'cat', ...box(5, 5, 15, 15) })));
      await world.complete(job);
      // Predictions that were there, too: they would count as thrown away.
      const dog = task.labels[1]?.id ?? -1;
      await world.uploads.add(
        world.cvat.url,
        task.id,
        [0, 1, 2].map((frame) => ({ id: 5 + frame, frame, label_id: dog, ...box(1, 1, 3, 3) })),
      );
      const before = await world.truth();
      expect(before).toHaveLength(7);
      await world.reopen(job);
      await world.cvat.erase(job, ...job.shapes.slice(1).map(({ id }) => id));
      await world.complete(job);
      expect([await world.truth(), await world.rejected()]).toEqual([before, 0]);
      expect(world.facade.adapter.problems()).toEqual([expect.stringContaining('9 masks of job') as string]);
      await world.restart();
      await world.quiet();
      expect([await world.truth(), await world.rejected()]).toEqual([before, 0]);
      await world.complete(job);
      expect([(await world.truth()).length, await world.rejected()]).toEqual([1, 3]);
      expect(world.facade.adapter.problems()).toEqual([]);
    },
  );
});

describe('work that was deleted', () => {
  it('takes along what it taught, and nothing else', async () => {
    world = await learningWorld('both');
    const { task } = await twoDrawn();
    const other = world.addTask();
    await world.cvat.draw(other.job, { frame: 0, label: 'dog', ...box(1, 1, 9, 9) });
    await world.complete(other.job);
    await world.cvat.deleteTask(task);
    await world.quiet();
    expect(await world.short()).toEqual(['0 dog drawn 64']);
  });

  it('stays where CVAT still has it, or shows the project to nobody', async () => {
    world = await learningWorld('both');
    const { task } = await twoDrawn();
    const before = await world.truth();
    const [hook] = world.cvat.webhooks;
    // Told of a task that is there.
    const { tasks } = world.cvat;
    await world.cvat.deleteTask(task);
    tasks.push(task);
    await world.quiet();
    expect(await world.truth()).toEqual(before);
    // A proxy that knows nothing.
    world.cvat.state.trouble = ({ path }) =>
      path.startsWith('/api/labels') || path.startsWith('/api/tasks') ? { status: 404 } : undefined;
    await world.cvat.deleteTask(task);
    await world.askedFor(() => true, 6);
    expect(hook?.events).toContain('delete:task');
    expect(await world.truth()).toEqual(before);
  });
});
