/** A stranger who says that nothing is there takes nothing away, whatever keeps it: the whole service, before a Label Studio that vanishes. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { openStorage } from '../../../../src/storage/open-storage.ts';
import { examine } from '../../../../src/cli/label-studio/doctor/doctor.ts';
import type { LabelStudioContext } from '../../../../src/cli/label-studio/context.ts';
import { sync } from '../../../../src/cli/label-studio/sync.ts';
import { createLabelStudioClient } from '../../../../src/adapters/label-studio/api/client.ts';
import { describeOnServers } from '../../../unit/storage/on-servers.ts';
import { until } from '../../../unit/adapters/webhook/webhook-server.ts';
import { CREATED, KEY, NAME, ownMissing, startVanishing, TOKEN, XML, type VanishingStudio } from './vanishing-studio.ts';
import { ALL, LOGIN, OTHER, start, type Place, type Started } from './absence-service.ts';
import { strangers } from './vanishing-strangers.ts';

function suite(newPlace: () => Promise<Place>): void {
  let studio: VanishingStudio;
  beforeAll(async () => {
    studio = await startVanishing();
  });
  afterAll(() => studio.close());

  describe('while somebody else answers at its address', () => {
    const running: Started[] = [];
    afterEach(async () => {
      for (const one of running.splice(0)) await one.close();
      studio.become();
    });
    const begin = async (place: Place): Promise<Started> => {
      const started = await start(place, studio, 0.003);
      running.push(started);
      await started.setup();
      return started;
    };
    const end = async (started: Started): Promise<void> => {
      running.splice(running.indexOf(started), 1);
      await started.close();
    };

    it('five annotations stay, through many looks, recovery, a restart in the middle and a new set-up', async () => {
      const place = await newPlace();
      let service = await begin(place);
      await until(async () => (await service.counted()).length === 5 || undefined);
      const before = await service.prosam.service.annotations.list(NAME, { limit: 100 });
      const isLook = /^\/api\/(projects\/1|tasks\?)/;

      const looked = studio.heard(isLook, 6);
      // The proxy's own answer, then a Label Studio that does not know these.
      studio.become((path) => (/tasks|annotations/.test(path) ? { status: 404, html: 'default backend - 404' } : undefined));
      await looked;
      expect(await service.counted()).toEqual(ALL);
      const looked2 = studio.heard(isLook, 6);
      studio.become((path) => (/tasks|annotations/.test(path) ? ownMissing('Task') : undefined));
      await looked2;
      expect(await service.counted()).toEqual(ALL);

      await end(service);
      const looked3 = studio.heard(isLook, 6);
      service = await begin(place);
      await looked3;
      expect(await service.counted()).toEqual(ALL);

      const looked4 = studio.heard(isLook, 6);
      studio.become();
      await looked4;
      await service.setup();
      expect(await service.counted()).toEqual(ALL);
      await end(service);
      service = await begin(place);
      const looked5 = studio.heard(isLook, 4);
      await looked5;
      expect(await service.prosam.service.annotations.list(NAME, { limit: 100 })).toEqual(before);
      expect((await service.prosam.service.projects.get(NAME)).masks).toBe(5);
    });
  });

  describe('at every single look', () => {
    let service: Started;
    let place: Place;
    beforeAll(async () => {
      place = await newPlace();
      service = await start(place, studio);
      await service.setup();
    });
    afterAll(() => service.close());
    beforeEach(async () => {
      studio.become();
      studio.fill();
      expect(await service.sync({ restore: true })).toMatchObject({ status: 200, json: { failed: 0, missing: 0 } });
      expect(await service.counted()).toEqual(ALL);
    });
    const problems = async () => (await service.prosam.service.status()).problems.join('\n');

    it.each(strangers)('%s takes nothing, and is told of', async (_what, before) => {
      studio.become(before);
      for (let look = 0; look < 3; look++) {
        const { status, json } = await service.sync();
        if (status === 200) expect(json).toMatchObject({ removed: 0, refused: expect.any(String) as string });
        else expect([status, json]).toEqual([502, expect.objectContaining({ error: expect.anything() as unknown })]);
        expect(await service.counted()).toEqual(ALL);
        expect(await problems()).toContain(NAME);
      }
      studio.become();
      expect((await service.sync()).json).toMatchObject({ stored: 0, removed: 0, missing: 0 });
      expect(await service.counted()).toEqual(ALL);
      expect(await problems()).not.toContain(NAME);
    });

    it('another project of that number gives nothing either', async () => {
      studio.become((path, own) =>
        path.startsWith('/api/projects') ? { json: { ...(own().json as object), created_at: '2026-12-24T00:00:00Z' } } : undefined,
      );
      studio.held.set(60, { id: 60, task: 5, updated_at: '2026-11-22T16:50:00.000001Z' });
      expect((await service.sync()).status).toBe(502);
      expect(await service.counted()).toEqual(ALL);
    });

    it('one that is deleted is gone at the next look, with its masks; shown again, unchanged, it counts again', async () => {
      const before = await service.prosam.service.annotations.list(NAME, { limit: 100 });
      const kept = studio.held.get(30);
      studio.held.delete(30);
      expect((await service.sync()).json).toMatchObject({ removed: 1, missing: 0 });
      expect(await service.counted()).toEqual(['10', '20', '40', '50']);
      expect((await service.prosam.service.projects.get(NAME)).masks).toBe(4);
      if (kept) studio.held.set(30, kept);
      expect((await service.sync()).json).toMatchObject({ stored: 1, removed: 0 });
      expect(await service.prosam.service.annotations.list(NAME, { limit: 100 })).toEqual(before);
      expect((await service.sync()).json).toMatchObject({ stored: 0 });
    });

    it('one that comes with a later revision after it was missed counts in that', async () => {
      studio.held.delete(30);
      await service.sync();
      studio.held.set(30, { id: 30, task: 3, updated_at: '2026-11-23T00:00:00.000001Z' });
      expect((await service.sync()).json).toMatchObject({ stored: 1 });
      expect(await service.counted()).toEqual(ALL);
    });

    it('one that another process withdrew counts again, although nothing changed in Label Studio', async () => {
      const elsewhere = await openStorage(place);
      await elsewhere.store.annotations.withdraw({ project: NAME, source: 'label-studio', externalId: '20' }, Number.MAX_SAFE_INTEGER);
      await elsewhere.close();
      expect(await service.counted()).toEqual(['10', '30', '40', '50']);
      expect((await service.sync()).json).toMatchObject({ stored: 1 });
      expect(await service.counted()).toEqual(ALL);
    });

    it('most at once are refused for as long as nobody says that they are gone, in whatever steps they go', async () => {
      for (const id of [10, 20, 30, 40]) studio.held.delete(id);
      for (let look = 0; look < 3; look++) {
        expect((await service.sync()).json).toMatchObject({
          removed: 0,
          missing: 4,
          refused: '4 of 5 that are known would vanish at once',
        });
        expect(await service.counted()).toEqual(ALL);
      }
      expect(await problems()).toMatch(/without 4 of them.*--accept-removals/);
      expect(service.prosam.service.errors()[0]).toMatchObject({ code: 'REMOVALS_REFUSED', where: NAME });
      const told = await service.call('GET', `/label-studio/sync?key=${KEY}`);
      expect(told.json).toEqual({ project: NAME, problem: expect.stringContaining('without 4 of them') as string });

      expect((await service.sync({ acceptRemovals: true })).json).toMatchObject({ removed: 4, missing: 0 });
      expect(await service.counted()).toEqual(['50']);
      expect((await service.call('GET', `/label-studio/sync?key=${KEY}`)).json).toMatchObject({ problem: null });
      // Even then they were not deleted, but missed.
      studio.fill();
      expect((await service.sync()).json).toMatchObject({ stored: 4 });
      expect(await service.counted()).toEqual(ALL);

      for (const id of [10, 20]) studio.held.delete(id);
      expect((await service.sync()).json).toMatchObject({ removed: 2 });
      studio.held.delete(30);
      expect((await service.sync()).json).toMatchObject({ removed: 0, missing: 1, refused: '3 of 5 that are known would vanish at once' });
      expect(await service.counted()).toEqual(['30', '40', '50']);
    });

    it('what a person deleted stays away though it is shown, until a person brings it back', async () => {
      expect(await service.event('ANNOTATIONS_DELETED', { annotations: [{ id: 10 }, { id: 20 }] })).toBe(200);
      await until(async () => (await service.counted()).length === 3 || undefined);
      for (let look = 0; look < 2; look++) expect((await service.sync()).json).toMatchObject({ stored: 0, removed: 0 });
      await service.setup();
      expect(await service.counted()).toEqual(['30', '40', '50']);
      // What 0.1.0 removed because of somebody's 404 looks the same.
      expect((await service.sync({ restore: true })).json).toMatchObject({ stored: 2 });
      expect(await service.counted()).toEqual(ALL);
    });

    it('deleted tasks take their annotations along, however many they are, and those of no other project', async () => {
      const of2 = { project: { id: 2, created_at: CREATED, label_config: XML } };
      expect(await service.event('TASKS_DELETED', { tasks: [1, 2, 3, 4].map((id) => ({ id })), ...of2 }, OTHER)).toBe(200);
      expect(await service.event('ANNOTATIONS_DELETED', { annotations: [{ id: 10 }], ...of2 }, OTHER)).toBe(200);
      expect(await service.event('TASKS_DELETED', { tasks: [{ id: 1 }] }, OTHER)).toBe(403);
      expect(await service.event('ANNOTATIONS_DELETED', { annotations: [{ id: 10 }] }, OTHER)).toBe(403);
      expect((await service.call('POST', '/label-studio/sync', { key: KEY, acceptRemovals: true }, OTHER)).status).toBe(403);
      expect(await service.event('TASKS_DELETED', { tasks: [{ id: 77 }] })).toBe(200);
      // An event of this project that is done after those of the other.
      for (const id of [1, 2, 3, 4]) studio.tasks.delete(id);
      for (const id of [10, 20, 30]) studio.held.delete(id);
      studio.held.delete(40);
      expect(await service.event('TASKS_DELETED', { tasks: [1, 2, 3].map((id) => ({ id })) })).toBe(200);
      await until(async () => ((await service.storage.queue.depth())['label-studio-event'] ?? 0) === 0 || undefined);
      expect(await service.counted()).toEqual(['40', '50']);
      const { images } = service.storage.store;
      expect((await Promise.all([1, 2, 3].map((id) => images.named(NAME, `task ${id}`)))).flat()).toEqual([]);
      expect(await images.named(NAME, 'task 4')).toHaveLength(1);
      expect((await service.sync()).json).toMatchObject({ removed: 1, missing: 0 });
      expect(await service.counted()).toEqual(['50']);
    });

    it('a person learns of it from the doctor, and says so by a command', async () => {
      const backend = `${service.url}/label-studio`;
      const context: LabelStudioContext & { project: number } = {
        ...{ client: createLabelStudioClient({ url: studio.url, token: TOKEN }), token: TOKEN, settings: service.prosam.settings },
        ...{ backend, fromHere: backend, login: LOGIN, loginMissing: false, project: 1, configFile: undefined },
      };
      const said: string[] = [];
      const terminal = { print: (line: string) => void said.push(line), warn: (line: string) => void said.push(line) };
      const command = async (more: { acceptRemovals?: boolean; restore?: boolean } = {}) =>
        sync(context, terminal, { json: false, acceptRemovals: false, restore: false, ...more });
      const found = async () => (await examine(context)).filter(({ what }) => what === 'annotations');

      for (const id of [10, 20, 30]) studio.held.delete(id);
      expect(await command()).toBe(1);
      expect(said.splice(0).join('\n')).toMatch(/0 removed.*\n3 are missing.*3 of 5 that are known.*--accept-removals/);
      expect(await found()).toMatchObject([{ state: 'problem', found: expect.stringContaining('without 3 of them') as string }]);
      expect(await command({ acceptRemovals: true })).toBe(0);
      expect(said.splice(0)).toEqual(['project 1 "Cups and spoons": 2 annotations in 5 tasks: 0 newly counted, 3 removed, 0 not taken']);
      expect(await found()).toEqual([]);
      await service.prosam.service.annotations.delete({ project: NAME, source: 'label-studio', externalId: '40' });
      studio.fill();
      expect(await command({ restore: true })).toBe(0);
      expect(said.splice(0)).toEqual(['project 1 "Cups and spoons": 5 annotations in 5 tasks: 4 newly counted, 0 removed, 0 not taken']);
      expect(await service.counted()).toEqual(ALL);
      // The console calls the project as people do, on one line; who may not see it is told nothing.
      const titles = async (token?: string) => (await service.call('GET', '/console/overview', undefined, token)).json.titles;
      expect(await titles()).toEqual({ [NAME]: 'Cups and spoons' });
      expect(await titles(OTHER)).toEqual({});
    });

    it('a project that nobody introduced is refused', async () => {
      expect((await service.call('POST', '/label-studio/sync', { key: '3.1795365113' }, OTHER)).status).toBe(400);
    });
  });
}

const folders: string[] = [];
const newFolder = (): string => {
  const folder = mkdtempSync(join(tmpdir(), 'prosam-absence-'));
  folders.push(folder);
  return folder;
};
afterAll(() => folders.forEach((folder) => rmSync(folder, { recursive: true, force: true })));

describe('what Label Studio no longer shows, on SQLite and a folder', () => {
  suite(() => {
    const folder = newFolder();
    return Promise.resolve({ database: join(folder, 'prosam.db'), objects: join(folder, 'objects') });
  });
});

describeOnServers('what Label Studio no longer shows, on Postgres and S3', suite);
