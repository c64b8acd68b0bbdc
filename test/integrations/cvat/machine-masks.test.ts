/** Masks that machines put into CVAT teach nothing before a person has looked at them. */
import { afterEach, describe, expect, it } from 'vitest';
import { box, learningWorld, type How, type World } from './learning-world.ts';
import { ACCEPTED, DRAWN, found, twoDrawn } from './machine-masks.ts';

let world: World;
afterEach(() => world.close());

describe.each<How>(['webhooks', 'polls', 'both'])('told by %s', (how) => {
  it('an automatic annotation after a job was completed changes nothing until a person completes it again', async () => {
    world = await learningWorld(how);
    const { task, job } = await twoDrawn(world);
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
    const { task, job } = await twoDrawn(world);
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
    const { task, job } = await twoDrawn(world);
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
    const { task, job } = await twoDrawn(world);
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
