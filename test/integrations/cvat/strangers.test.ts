/** Answers of strangers, and work that was deleted: nothing is taken away unless CVAT says so. */
import { afterEach, describe, expect, it } from 'vitest';
import type { Trouble } from './stand-in-cvat.ts';
import { box, learningWorld, type How, type World } from './learning-world.ts';
import { found, twoDrawn } from './machine-masks.ts';

let world: World;
afterEach(() => world.close());

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
    const { job, task } = await twoDrawn(world);
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
    const { job } = await twoDrawn(world);
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
    const { task } = await twoDrawn(world);
    const other = world.addTask();
    await world.cvat.draw(other.job, { frame: 0, label: 'dog', ...box(1, 1, 9, 9) });
    await world.complete(other.job);
    await world.cvat.deleteTask(task);
    await world.quiet();
    expect(await world.short()).toEqual(['0 dog drawn 64']);
  });

  it('stays where CVAT still has it, or shows the project to nobody', async () => {
    world = await learningWorld('both');
    const { task } = await twoDrawn(world);
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
