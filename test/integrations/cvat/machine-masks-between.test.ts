/** Saves of people and machines in every order: each mask stays what it was when a person last looked. */
import { afterEach, describe, expect, it } from 'vitest';
import { cocoRleFromMaskSync } from '../../../src/core/mask/rle.ts';
import { box, learningWorld, PROJECT, type World } from './learning-world.ts';
import { ACCEPTED, DRAWN, found, twoDrawn } from './machine-masks.ts';

let world: World;
afterEach(() => world.close());

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
  const response = await fetch(`${world.facade.url}/status`);
  expect(await response.json()).toMatchObject({
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
  const { task, job } = await twoDrawn(world);
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
    const { task, job } = await twoDrawn(world);
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
  const { task, job } = await twoDrawn(world);
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
