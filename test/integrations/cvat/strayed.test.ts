/** Tasks that vanish or are moved where no webhook says so: followed with the next look, and nothing is lost that CVAT did not confirm. */
import { afterEach, describe, expect, it } from 'vitest';
import { box, learningWorld, MOVED, type World } from './learning-world.ts';
import { ACCEPTED, DRAWN, found, twoDrawn } from './machine-masks.ts';

let world: World;
afterEach(() => world.close());

const aroundProject = (): void => void world.cvat.state.projects.set(5, 'five').set(6, 'six');

describe('a task that was deleted', () => {
  it('is missed with the next look, takes nothing else along, and brings all back where it is shown again', async () => {
    world = await learningWorld('polls');
    aroundProject();
    const { task } = await twoDrawn(world);
    const other = world.addTask();
    await world.cvat.draw(other.job, { frame: 0, label: 'dog', ...box(1, 1, 9, 9) });
    await world.complete(other.job);
    await world.cvat.deleteTask(task);
    await world.quiet();
    expect(await world.short()).toEqual(['0 dog drawn 64']);
    world.cvat.tasks.push(task);
    await world.quiet();
    expect((await world.short()).sort()).toEqual(['0 cat drawn 100', '0 dog drawn 64', '1 cat drawn 100']);
  });

  it('is not believed gone where its project, or the task itself, is hidden from the token or answered by a stranger', async () => {
    world = await learningWorld('polls');
    await twoDrawn(world);
    const hide = (status: number) => {
      world.cvat.state.trouble = ({ path, query }) => {
        if (path === '/api/jobs' && query.get('filter')?.includes('task_id') === true)
          return { status: 200, body: { count: 0, next: null, previous: null, results: [] } };
        return path.startsWith('/api/tasks/') ? { status } : undefined;
      };
    };
    for (const [status, isProjectShown] of [
      [404, false],
      [403, true],
      [200, true],
    ] as const) {
      world.cvat.state.projects.clear();
      if (isProjectShown) aroundProject();
      const asked = world.askedFor((path) => path.startsWith('/api/tasks/'));
      world.cvat.state.trouble = undefined;
      await world.quiet();
      hide(status);
      await asked;
      await world.askedFor((path) => path === '/api/jobs', 3);
      expect(await world.short(), `${status}`).toEqual(DRAWN);
    }
    world.cvat.state.trouble = undefined;
  });

  it('is not believed gone with most of its project', async () => {
    world = await learningWorld('polls');
    aroundProject();
    for (let i = 0; i < 6; i++) {
      const { job } = world.addTask();
      await world.cvat.draw(job, { frame: 0, label: 'cat', ...box(5, 5, 15 + i, 15) });
      await world.complete(job);
    }
    const before = await world.truth();
    expect(before).toHaveLength(6);
    world.cvat.tasks.splice(1);
    await world.quiet();
    await world.quiet();
    expect(await world.truth()).toEqual(before);
  });
});

describe('a task that was moved to another project', () => {
  it('teaches there with the next look, and no longer where it was', async () => {
    world = await learningWorld('polls');
    aroundProject();
    const { task } = await twoDrawn(world);
    world.cvat.moveTask(task, 6);
    await world.quiet();
    expect([await world.short(), await world.short(MOVED)]).toEqual([[], DRAWN]);
    world.cvat.moveTask(task, 5);
    await world.quiet();
    expect([await world.short(), await world.short(MOVED)]).toEqual([DRAWN, []]);
  });

  it('leaves behind what its new project cannot have yet: open jobs, and machine-made shapes until they are looked at there', async () => {
    world = await learningWorld('polls');
    aroundProject();
    const { task, job } = await twoDrawn(world);
    await world.reopen(job);
    await world.cvat.autoAnnotate(task, found);
    await world.quiet();
    await world.complete(job);
    expect(await world.short()).toEqual([...DRAWN, ...ACCEPTED]);
    await world.reopen(job);
    world.cvat.moveTask(task, 6);
    await world.quiet();
    expect([await world.short(), await world.short(MOVED)]).toEqual([[...DRAWN, ...ACCEPTED], []]);
    await world.complete(job);
    await world.quiet();
    expect([await world.short(), await world.short(MOVED)]).toEqual([ACCEPTED, DRAWN]);
    await world.complete(job);
    await world.quiet();
    expect([await world.short(), await world.short(MOVED)]).toEqual([[], [...DRAWN, ...ACCEPTED]]);
  });
});
