/** One image that several jobs show has one truth. */
import { afterEach, describe, expect, it } from 'vitest';
import { box, learningWorld, type World } from './learning-world.ts';
import { found } from './machine-masks.ts';

let world: World;
afterEach(() => world.close());

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
