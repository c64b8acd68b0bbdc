/** A stand-in CVAT, the adapter in front of a real database, queue and files, and what would teach: references, targets and gate. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { cvatRleFromMaskSync } from '../../../src/core/mask/cvat-rle.ts';
import { createCvatClient } from '../../../src/adapters/cvat/api/client.ts';
import { createAnswerLog } from '../../../src/adapters/cvat/annotate/answer-log.ts';
import { createReviewLog } from '../../../src/adapters/cvat/jobs/review-log.ts';
import { createReviewNotes } from '../../../src/adapters/cvat/jobs/review-notes.ts';
import { createUploadLog } from '../../../src/adapters/cvat/jobs/upload-log.ts';
import { openStorage } from '../../../src/storage/open-storage.ts';
import { noMetrics } from '../../../src/service/ports/metrics.ts';
import type { Service } from '../../../src/service/types.ts';
import { createAccept } from '../../../src/service/accept.ts';
import { createAdmission } from '../../../src/service/admission.ts';
import { createServiceImages } from '../../../src/service/images.ts';
import { chooseMasks } from '../../../src/learner/choose-masks.ts';
import { fakeService } from '../../unit/adapters/fake-service.ts';
import { startFacade } from './functions/facade-server.ts';
import { until } from '../../unit/adapters/webhook/webhook-server.ts';
import { startStandIn, TOKEN } from './stand-in-cvat.ts';
import type { Job, Task } from './stand-in-forms.ts';

export const PROJECT = 'cvat/project-5';
/** Another one, for tasks that are moved. */
export const MOVED = 'cvat/project-6';
const SECRET = 'secret-of-the-webhook';
const [WIDTH, HEIGHT] = [40, 30];

/** A rectangle of a mask, [x0, y0, x1, y1) in pixels. */
export function box(x0: number, y0: number, x1: number, y1: number): { type: string; points: number[] } {
  const data = Uint8Array.from({ length: WIDTH * HEIGHT }, (_, i) => {
    const [x, y] = [i % WIDTH, Math.floor(i / WIDTH)];
    return Number(x >= x0 && x < x1 && y >= y0 && y < y1);
  });
  return { type: 'mask', points: cvatRleFromMaskSync({ data, width: WIDTH, height: HEIGHT }) };
}

export type How = 'webhooks' | 'polls' | 'both';
export type World = Awaited<ReturnType<typeof learningWorld>>;

/** place: database and blobs. @default SQLite and a folder */
export async function learningWorld(how: How, place?: { database: string; objects: string }) {
  const folder = mkdtempSync(join(tmpdir(), 'prosam-cvat-learning-'));
  const cvat = await startStandIn();
  const frames = await Promise.all(
    Array.from({ length: 8 }, async (_, i) => ({
      ...{ name: `${i}.png`, width: WIDTH, height: HEIGHT },
      bytes: await sharp({ create: { width: WIDTH, height: HEIGHT, channels: 3, background: { r: 20 * i, g: 9, b: 9 } } })
        .png()
        .toBuffer(),
    })),
  );
  const uploads = createUploadLog(join(folder, 'uploads'));
  const answers = createAnswerLog(join(folder, 'uploads'));

  async function start() {
    const storage = await openStorage(place ?? { database: join(folder, 'p.db'), objects: join(folder, 'blobs') });
    const { store, blobs, queue } = storage;
    const admission = createAdmission({});
    const accept = createAccept({
      ...{ store, admission, drawing: createAdmission({}), metrics: noMetrics, now: Date.now },
      images: createServiceImages({ images: store.images, blobs, limits: {}, now: Date.now }),
      engine: { referenceMask: () => Promise.reject(new Error('masks are drawn here')) },
    });
    const fake = fakeService();
    const service: Service = {
      ...fake,
      projects: { ...fake.projects, list: () => Promise.resolve([PROJECT, MOVED, 'elsewhere']) },
      annotations: {
        ...fake.annotations,
        accept,
        delete: (key, revision) => store.annotations.remove(key, revision),
        withdraw: (key, revision) => store.annotations.withdraw(key, revision),
        list: (project, options) => store.annotations.list(project, options),
      },
    };
    const facade = await startFacade({
      ...{
        service: service,
        queue,
        uploads,
        answers,

        webhookSecrets: [SECRET],
        prefetchStarted: false,
        lookBackMs: 800 * 86_400_000,
      },
      api: createCvatClient({ url: cvat.url, token: TOKEN, attempts: 1 }),
      ...{ reviews: createReviewLog(join(folder, 'uploads')), notes: createReviewNotes(join(folder, 'uploads', 'notes.json')) },
      pollMs: how === 'webhooks' ? 0 : 10,
    });
    cvat.webhooks.length = 0;
    if (how !== 'polls') {
      const events = ['update:job', 'delete:task', 'delete:job'];
      cvat.webhooks.push({
        ...{ id: 1, secret: SECRET, project_id: 5, events, is_active: true },
        type: 'project',
        target_url: `${facade.url}/webhook`,
      });
    }
    return { storage, facade, stop: await facade.adapter.work() };
  }
  let running = await start();
  const looks = (): number =>
    cvat.asked.filter(({ path, query }) => path === '/api/jobs' && query.get('filter')?.includes('updated_date')).length;

  const world = {
    ...{ cvat, uploads, answers, frames, folder },
    get facade() {
      return running.facade;
    },
    get storage() {
      return running.storage;
    },
    /** Everything that happened up to now has been heard of and worked off. */
    async quiet(): Promise<void> {
      const before = looks();
      await until(async () => {
        const depth = (await running.storage.queue.depth())['cvat-job'] ?? 0;
        return depth === 0 && (how === 'webhooks' || looks() >= before + 2) ? true : undefined;
      });
      if (how === 'webhooks') return;
      const after = looks();
      await until(async () => {
        const depth = (await running.storage.queue.depth())['cvat-job'] ?? 0;
        return depth === 0 && looks() >= after + 1 ? true : undefined;
      });
    },
    /** More than so many requests of this kind have come from now on. */
    askedFor(isMeant: (path: string) => boolean, more = 0): Promise<true> {
      const from = cvat.asked.length;
      return until(() => Promise.resolve(cvat.asked.slice(from).filter(({ path }) => isMeant(path)).length > more ? true : undefined));
    },
    /** What was seen of jobs is lost. */
    forget: () => rmSync(join(folder, 'uploads'), { recursive: true, force: true }),
    /** A webhook that was written down before arrives now. */
    async deliver(sent: { text: string; signature: string } | undefined): Promise<void> {
      const headers = { 'content-type': 'application/json', 'x-signature-256': sent?.signature ?? '' };
      const response = await fetch(`${running.facade.url}/webhook`, { method: 'POST', headers, body: sent?.text ?? '' });
      if (response.status >= 300) throw new Error(`the webhook was answered ${response.status}`);
    },
    async start(): Promise<void> {
      running = await start();
    },
    async restart(): Promise<void> {
      await world.stop();
      await world.start();
    },
    async stop(): Promise<void> {
      await running.stop();
      await running.facade.close();
      await running.storage.close();
    },
    addTask(options: { jobSize?: number } = {}): { task: Task; job: Job } {
      const task = cvat.addTask({ frames, labels: [{ name: 'cat' }, { name: 'dog' }], project: 5, ...options });
      return { task, job: task.jobs[0] as Job };
    },
    /** A person opens a job and completes it; with looks alone a job must be open for longer than the time between two. */
    async complete(job: Job): Promise<void> {
      if (job.state !== 'in progress') await world.reopen(job);
      await cvat.move(job, { state: 'completed' });
      await world.quiet();
    },
    async reopen(job: Job): Promise<void> {
      await cvat.move(job, { state: 'in progress' });
      await world.quiet();
    },
    /** Masks that count, as references, targets and gate take them: frame, label, provenance, pixels, and what tells a new one. */
    async truth(project = PROJECT) {
      const { annotations } = running.storage.store;
      const rows = await annotations.masks(project, { limit: 1000 });
      const listed = await annotations.list(project, { limit: 1000 });
      const name = new Map(listed.map(({ sequence, externalId }) => [sequence, externalId]));
      return rows
        .map(({ label, provenance, area, sequence, rle }) => ({
          ...{
            frame: Number(/frame-(\d+)/.exec(name.get(sequence) ?? '')?.[1]),
            job: Number(/job-(\d+)/.exec(name.get(sequence) ?? '')?.[1]),
          },
          ...{ label, provenance, area, sequence, counts: rle.counts },
        }))
        .sort((a, b) => a.frame - b.frame || a.sequence - b.sequence);
    },
    /** The same in short. */
    short: async (project = PROJECT) =>
      (await world.truth(project)).map(({ frame, label, provenance, area }) => `${frame} ${label} ${provenance} ${area}`),
    rejected: async () =>
      (await running.storage.store.annotations.list(PROJECT, { limit: 1000 })).filter(({ provenance }) =>
        ['absent', 'rejected'].includes(provenance),
      ).length,
    async references(label: string) {
      const rows = await running.storage.store.annotations.candidates(PROJECT, label, 200);
      return rows.map(({ id, provenance, rle }) => ({ id, provenance, counts: rle.counts }));
    },
    learner: () =>
      chooseMasks(running.storage.store, PROJECT, {
        ...{ upTo: Number.MAX_SAFE_INTEGER, learnedUpTo: 0, gateShare: 0.3, maxMasks: 100, gatePairs: 100, references: 5, seed: 1 },
      }),
    async close(): Promise<void> {
      await world.stop();
      await cvat.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
  return world;
}
