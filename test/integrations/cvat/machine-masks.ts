/** Masks that a person drew, and others that a machine finds on the same frames. */
import { expect } from 'vitest';
import { box, type World } from './learning-world.ts';

/** What a program finds on every frame: something else, and larger than what people draw. */
export const found = Array.from({ length: 8 }, (_, frame) => ({ frame, label: 'cat', ...box(2, 2, 36, 28) }));
export const DRAWN = ['0 cat drawn 100', '1 cat drawn 100'];
export const ACCEPTED = [2, 3, 4, 5, 6, 7].map((frame) => `${frame} cat accepted ${34 * 26}`);

/** A job that a person completed with two masks of their own. */
export async function twoDrawn(world: World) {
  const { task, job } = world.addTask();
  await world.cvat.move(job, { state: 'in progress' });
  await world.cvat.draw(job, { frame: 0, label: 'cat', ...box(5, 5, 15, 15) }, { frame: 1, label: 'cat', ...box(6, 6, 16, 16) });
  await world.complete(job);
  expect(await world.short()).toEqual(DRAWN);
  return { task, job };
}
