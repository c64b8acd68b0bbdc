/** The recorded data folder of 0.1.0, copied so that it may be written to, and what 0.1.0 said about it. */
import { cpSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { CocoRle } from '../../src/index.ts';
import type { Storage } from '../../src/service/ports/storage.ts';

const RECORDED = resolve('test/recorded/0.1.0');

export interface RecordedProject {
  annotations: { externalId: string; source: string; revision: number; sha256: string }[];
  masks: { id: number; sha256: string; area: number; rle: CocoRle }[];
  state: { current?: string };
  versions: { id: string; weights: string }[];
  runs: object[];
}

export interface Recorded {
  stored: Record<string, RecordedProject>;
  jobs: Record<string, { total: number; items: unknown[] }>;
  deliveries: { id: string; url: string; state: string; attempts: number }[];
  messages: Record<string, number>;
  blobs: string[];
  /** Of every-key.json and of prosam.config.json, with all defaults, secrets hidden. */
  settings: Record<string, unknown>;
  servedSettings: Record<string, unknown>;
  waitingJob: string;
  version: string;
  /** Of `pictures.target`: with the version, with the model's own encoder, and with the model folder and one reference. */
  predictions: Record<'version' | 'base' | 'model', CocoRle>;
  pictures: { reference: string; truth: CocoRle; target: string };
}

/** In the words of today: 0.1.0 called a version's base model `model`, and the version of a run `version`. */
export function readRecorded(): Recorded {
  const recorded = JSON.parse(readFileSync(join(RECORDED, 'recorded.json'), 'utf8')) as Recorded;
  for (const project of Object.values(recorded.stored)) {
    project.versions = project.versions.map(({ model: baseModel, ...rest }: { id: string; weights: string; model?: string }) => ({
      ...rest,
      baseModel,
    }));
    project.runs = project.runs.map(({ version, ...rest }: { version?: string }) => ({
      ...rest,
      ...(version !== undefined && { encoderVersion: version }),
    }));
  }
  return recorded;
}

/** A copy in a folder of its own. */
export function copyRecorded(): string {
  const folder = mkdtempSync(join(tmpdir(), 'prosam-migration-'));
  cpSync(RECORDED, folder, { recursive: true });
  const manifest = join(folder, 'models/recorded/manifest.json');
  writeFileSync(manifest, readFileSync(manifest, 'utf8').replaceAll('{tiny}', resolve('models/tiny')));
  return folder;
}

/** What the recording asked of its store, asked of this one. */
export async function readStored({ store, queue, blobs }: Storage, { stored, jobs }: Pick<Recorded, 'stored' | 'jobs'>) {
  const { annotations, images, versions, runs, batches, deliveries } = store;
  const projects: Record<string, unknown> = {};
  for (const project of Object.keys(stored)) {
    projects[project] = {
      annotations: await annotations.list(project, { limit: 100 }),
      concepts: await annotations.concepts(project),
      counts: await images.counts(project),
      candidates: (await annotations.candidates(project, 'cup', 100)).map(({ sha256, area, flagged }) => ({ sha256, area, flagged })),
      masks: (await annotations.masks(project, { limit: 100 })).map(({ id, sha256, area, rle }) => ({ id, sha256, area, rle })),
      nextImages: await images.unlabelled(project, { limit: 100 }),
      state: await versions.state(project),
      predictions: (await images.predictions({ project, limit: 100 })).map(({ sha256, version, masks }) => ({
        ...{ sha256, version, masks: masks.map(({ label, rle, score, method }) => ({ label, rle, score, method })) },
      })),
      versions: await versions.list({ project, limit: 10 }),
      history: await versions.history(project, 10),
      runs: await runs.list({ project, limit: 10 }),
    };
  }
  const found: Record<string, unknown> = {};
  for (const id of Object.keys(jobs)) found[id] = { ...(await batches.get(id)), items: await batches.items(id, { limit: 100 }) };
  const names: string[] = [];
  for await (const name of blobs.list()) names.push(name);
  return {
    ...{ stored: projects, jobs: found, deliveries: await deliveries.list({ limit: 10 }) },
    ...{ messages: await queue.depth(), blobs: names.sort() },
  };
}
