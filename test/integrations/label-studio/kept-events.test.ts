/** Events that were answered before their work was done: kept in the store, worked off after a restart, tried again, each by itself. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { encodeBrushRleSync } from '../../../src/core/mask/brush-rle.ts';
import { ProsamError } from '../../../src/core/common/errors.ts';
import type { Storage } from '../../../src/service/ports/storage.ts';
import { openStorage } from '../../../src/storage/open-storage.ts';
import { fakeService, type FakeService } from '../../unit/adapters/fake-service.ts';
import { until } from '../../unit/adapters/webhook/webhook-server.ts';
import { CONFIG, NAME, startBackend, taskOf, type Backend } from './backend-server.ts';

const folder = mkdtempSync(join(tmpdir(), 'prosam-events-'));
let databases = 0;
const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
  rmSync(folder, { recursive: true, force: true });
});

async function opened(database = join(folder, `${++databases}.db`)): Promise<{ storage: Storage; database: string }> {
  const storage = await openStorage({ database, objects: join(folder, 'blobs') });
  closers.push(() => storage.close());
  return { storage, database };
}

async function backendOn(service: FakeService, { queue }: Storage, working: boolean): Promise<Backend> {
  const backend = await startBackend({ service, queue });
  closers.push(() => backend.close());
  if (working) closers.push(await backend.adapter.work());
  return backend;
}

const project = { id: 1, created_at: '2026-11-22T16:31:53.521413Z', label_config: CONFIG };
// Long enough to arrive as bytes.
const stripes = Uint8Array.from({ length: 320 * 240 }, (_, i) => (i % 7 < 3 ? 1 : 0));
const rle = Array.from(encodeBrushRleSync({ data: stripes, width: 320, height: 240 }));
const region = {
  ...{ id: 'x', type: 'brushlabels', from_name: 'tag', to_name: 'image', original_width: 320, original_height: 240 },
  value: { format: 'rle', rle, brushlabels: ['car'] },
};
const submitted = (id: number, task = 1): object => ({
  ...{ id, task, was_cancelled: false, ground_truth: false, updated_at: '2026-11-22T16:31:56.000001Z', result: [region] },
});
const created = (id: number, more: object = {}): object => ({
  ...{ action: 'ANNOTATION_CREATED', project, annotation: submitted(id), task: taskOf(1, more) },
});
const idsOf = ({ state }: FakeService): string[] => state.annotations.map(({ externalId }) => externalId).sort();
const all = (service: FakeService, count: number): Promise<boolean> =>
  until(() => Promise.resolve(service.state.annotations.length === count ? true : undefined));

describe('events that are answered', () => {
  it('are worked off by whoever comes next, whatever became of the process that answered', async () => {
    const { storage } = await opened();
    const first = await backendOn(fakeService(), storage, false);
    for (let id = 1; id <= 11; id++) expect((await first.call('POST', '/webhook', created(id))).status).toBe(200);
    const many = { action: 'ANNOTATIONS_CREATED', project, annotation: [submitted(12), submitted(13)], task: [taskOf(1)] };
    expect((await first.call('POST', '/webhook', many)).status).toBe(200);
    expect((await first.call('POST', '/webhook', { action: 'START_TRAINING', project })).status).toBe(200);
    // Nothing of it is in the memory of the one that goes on.
    const service = fakeService();
    await backendOn(service, storage, true);
    await all(service, 13);
    expect(service.state.annotations[0]).toMatchObject({ project: NAME, source: 'label-studio', provenance: 'drawn' });
    // The bytes of the mask are those it would have had at once.
    const direct = fakeService();
    const atOnce = await startBackend({ service: direct });
    closers.push(() => atOnce.close());
    await atOnce.call('POST', '/webhook', created(1));
    await all(direct, 1);
    expect(service.state.annotations[0]?.labels).toEqual(direct.state.annotations[0]?.labels);
    await until(() => Promise.resolve(service.state.calls.some(({ name }) => name === 'projects.train') || undefined));
    await until(async () => ((await storage.queue.depth())['label-studio-event'] === undefined ? true : undefined));
  });

  it('are tried again where the service fails, and given up where they themselves are wrong', async () => {
    const { storage } = await opened();
    let failures = 2;
    const service = fakeService({
      before: (name) => {
        if (name === 'annotations.accept' && failures-- > 0) throw new ProsamError('BLOB_DAMAGED', 'the disk is odd.');
      },
    });
    const backend = await backendOn(service, storage, true);
    await backend.call('POST', '/webhook', created(1));
    await backend.call('POST', '/webhook', created(2, { data: {} }));
    await backend.call('POST', '/webhook', created(3));
    await all(service, 2);
    expect(idsOf(service)).toEqual(['1', '3']);
    await until(async () => ((await storage.queue.depth())['label-studio-event'] === undefined ? true : undefined));
    expect(backend.log.filter(({ message }) => message.includes('is not taken')).map(({ message }) => message)).toEqual([
      expect.stringContaining('annotation 2 is not taken'),
    ]);
  });

  it('in another order than they happened leave what is deleted deleted', async () => {
    const { storage } = await opened();
    let letGo = (): void => undefined;
    const freed = new Promise<void>((resolve) => (letGo = resolve));
    let [failures, held] = [1, 0];
    const service = fakeService({
      before: (name) => {
        if (name !== 'annotations.accept') return undefined;
        if (failures-- > 0) throw new ProsamError('BLOB_DAMAGED', 'the disk is odd.');
        held++;
        return freed;
      },
    });
    const backend = await backendOn(service, storage, true);
    const depth = async (): Promise<number> => (await storage.queue.depth())['label-studio-event'] ?? 0;
    // The first one fails and waits, the second one is being stored when their task is deleted.
    await backend.call('POST', '/webhook', created(1));
    await until(() => Promise.resolve(failures < 1 ? true : undefined));
    await backend.call('POST', '/webhook', created(2));
    await until(() => Promise.resolve(held === 1 ? true : undefined));
    await backend.call('POST', '/webhook', { action: 'TASKS_DELETED', project, tasks: [{ id: 1 }] });
    await until(async () => ((await depth()) <= 2 ? true : undefined));
    letGo();
    await until(async () => ((await depth()) === 0 ? true : undefined));
    expect(idsOf(service)).toEqual([]);
    // What comes anew is new.
    await backend.call('POST', '/webhook', created(3));
    await all(service, 1);
  });

  it('are not answered with 200 where they cannot be kept', async () => {
    const { storage } = await opened();
    const refused = { ...storage, queue: { ...storage.queue, send: () => Promise.reject(new ProsamError('STORAGE_FAILED', 'full.')) } };
    const backend = await backendOn(fakeService(), refused, true);
    expect((await backend.call('POST', '/webhook', created(1))).status).toBe(503);
  });
});
