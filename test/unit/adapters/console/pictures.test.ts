/** Many pictures at the same time, as a page full of them asks. */
import { afterEach, expect, it } from 'vitest';
import { busyService, startConsole } from './console-server.ts';

let close: (() => Promise<void>) | undefined;
afterEach(() => close?.());

it('are made one after the other, and one that nobody waits for any more holds up no other', async () => {
  const service = await busyService();
  const sha256 = [...service.state.images.keys()].find((key) => key.startsWith('kitchen '))?.split(' ')[1] as string;
  let [now, most, read] = [0, 0, 0];
  let letGo = (): void => undefined;
  const held = new Promise<void>((resolve) => (letGo = resolve));
  const counted: typeof service.projects.imageBytes = async (project, hash) => {
    most = Math.max(most, ++now);
    read++;
    await held;
    return service.projects.imageBytes(project, hash).finally(() => now--);
  };
  const server = await startConsole({ ...service, projects: { ...service.projects, imageBytes: counted } }, 'admin');
  close = server.close;
  const path = `${server.url}/console/images/${sha256}?project=kitchen`;
  const asked = Array.from({ length: 12 }, () => fetch(path).then(({ status }) => status));
  await expect.poll(() => read).toBe(1);
  const leaving = new AbortController();
  const left = fetch(path, { signal: leaving.signal }).catch(() => 'left');
  leaving.abort();
  expect(await left).toBe('left');
  letGo();
  expect(await Promise.all(asked)).toEqual(asked.map(() => 200));
  expect(most).toBe(1);
});
