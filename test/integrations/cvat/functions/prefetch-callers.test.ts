/** Frames of a task are fetched for those alone who may use its project. */
import { afterEach, describe, expect, it } from 'vitest';
import type { CvatApi } from '../../../../src/adapters/cvat/types.ts';
import { send, startFacade } from './facade-server.ts';

let facade: Awaited<ReturnType<typeof startFacade>>;
afterEach(() => facade.close());

const OF_TASK: Record<number, number | null> = { 3: 5, 4: 6, 7: null };

function prefetch(task: number, token: string) {
  const headers = { 'content-type': 'application/json', authorization: `Bearer ${token}` };
  return send(`${facade.url}/prefetch`, 'POST', headers, JSON.stringify({ task }));
}

describe('prefetching', () => {
  it('is refused for tasks of projects a caller may not use, before a frame is asked for', async () => {
    const asked: number[] = [];
    const api = {
      url: 'https://cvat.test',
      task: (id: number) => Promise.resolve({ id, project_id: OF_TASK[id] ?? null }),
      meta: (id: number) => {
        asked.push(id);
        return Promise.resolve({ size: 0, deleted_frames: [], frames: [] });
      },
    } as unknown as CvatApi;
    const one = { name: 'one', token: 'token-of-one-project', access: 'write' as const, projects: ['cvat/project-5', 'cvat/task-7'] };
    const all = { name: 'all', token: 'token-of-all-projects', access: 'write' as const };
    facade = await startFacade({ api, guard: { tokens: [one, all] } });
    const statuses = [];
    for (const task of [4, 3, 7]) statuses.push((await prefetch(task, one.token)).status);
    expect(statuses).toEqual([403, 202, 202]);
    expect((await prefetch(4, all.token)).status).toBe(202);
    expect(asked.sort()).toEqual([3, 4, 7]);
  });
});
