/** A store, a configuration file and a model folder of 0.1.0, recorded by running it, opened with today's code. */
import { readFileSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { preferenceOf, type Provenance } from '../src/service/ports/provenance.ts';
import { openStorage } from '../src/storage/open-storage.ts';
import { createEngine, iou, maskFromCocoRle, type CocoRle } from '../src/index.ts';
import { loadConfig, printableConfig } from '../src/server/config.ts';
import { runCli } from './unit/cli/run-cli.ts';
import { waitFor } from './e2e/scenario.ts';
import { startServe, type Served } from './e2e/serve-process.ts';
import { copyRecorded, readRecorded, readStored, type RecordedProject } from './recorded/recorded.ts';

const ADMIN = 'test-admin-token';
const PROJECT = 'kitchen/cups';
const WAIT_MS = 240_000;
const VERSIONS = '/v1/versions';
const recorded = readRecorded();
const { stored, jobs, deliveries, messages, blobs } = recorded;
const facts = { stored, jobs, deliveries, messages, blobs };
const cups = stored[PROJECT] as RecordedProject;

const folders: string[] = [];
const newCopy = (): string => {
  const folder = copyRecorded();
  folders.push(folder);
  return folder;
};
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

const agreement = (one: CocoRle, other: CocoRle): number => iou(maskFromCocoRle(one).data, maskFromCocoRle(other).data);
const openIn = (folder: string) => openStorage({ database: join(folder, 'prosam/prosam.db'), objects: join(folder, 'prosam/blobs') });

describe('a store of 0.1.0', () => {
  it('was recorded with everything a store can hold', () => {
    expect(cups.masks).toHaveLength(9);
    expect(cups.annotations.map(({ externalId }) => externalId)).not.toContain('deleted');
    expect([cups.versions.length, cups.runs.length, cups.state.current]).toEqual([1, 1, recorded.version]);
    expect(messages).toEqual({ train: 1, 'webhook-batch': 1, 'webhook-delivery': 1 });
    expect(deliveries.map(({ state }) => state).sort()).toEqual(['delivered', 'waiting']);
    for (const { rle, area } of cups.masks) expect(maskFromCocoRle(rle).data.reduce((sum, one) => sum + one, 0)).toBe(area);
  });

  it('is read as 0.1.0 read it', async () => {
    const storage = await openIn(newCopy());
    expect(await readStored(storage, recorded)).toMatchObject(facts);
    for (const name of blobs) expect(await storage.blobs.get(name)).toBeDefined();
    await storage.close();
  });

  it('ranks its masks as today', async () => {
    const folder = newCopy();
    await (await openIn(folder)).close();
    const database = new DatabaseSync(join(folder, 'prosam/prosam.db'));
    const masks = database.prepare('select provenance, flagged, preference from masks').all();
    database.close();
    expect(masks.length).toBeGreaterThan(5);
    for (const { provenance, flagged, preference } of masks) expect(preference).toBe(preferenceOf(provenance as Provenance, flagged === 1));
  });

  it('is exported, imported and copied with nothing lost', async () => {
    const [folder, other] = [newCopy(), newCopy()];
    rmSync(join(other, 'prosam'), { recursive: true });
    expect(await runCli(['db', 'export', '--to', join(other, 'archive')], folder)).toMatchObject({ code: 0 });
    expect(await runCli(['db', 'import', '--from', 'archive'], other)).toMatchObject({ code: 0 });
    const imported = await openIn(other);
    expect(await readStored(imported, recorded)).toMatchObject(facts);
    await imported.close();
    const copy = ['db', 'copy', '--to-database', 'copy/prosam.db', '--to-objects', 'copy/blobs'];
    expect(await runCli(copy, folder)).toMatchObject({ code: 0 });
    const copied = await openStorage({ database: join(folder, 'copy/prosam.db'), objects: join(folder, 'copy/blobs') });
    expect(await readStored(copied, recorded)).toMatchObject(facts);
    await copied.close();
  });
});

describe('a service that 0.1.0 left', () => {
  let folder: string;
  let receiver: Server;
  let service: Served | undefined;
  const pushed: string[] = [];
  beforeAll(async () => {
    folder = newCopy();
    receiver = createServer((request, response) => {
      request.setEncoding('utf8').on('data', (text: string) => pushed.push(text));
      request.on('end', () => response.writeHead(204).end());
    });
    await new Promise<void>((listening) => receiver.listen(0, '127.0.0.1', listening));
    // The port of the recording may be somebody else's by now.
    const database = new DatabaseSync(join(folder, 'prosam/prosam.db'));
    const url = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/done`;
    database.prepare(`update deliveries set url = ? where state = 'waiting'`).run(url);
    database.close();
  });
  afterAll(async () => {
    await service?.kill();
    receiver.close();
  });

  async function ask<T>(path: string, body?: unknown): Promise<T> {
    const response = await fetch(new URL(path, service?.url), {
      method: body === undefined ? 'GET' : 'POST',
      headers: { authorization: `Bearer ${ADMIN}`, 'content-type': 'application/json' },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
    return (await response.json()) as T;
  }
  const project = `/v1/projects/${encodeURIComponent(PROJECT)}`;

  it('goes on: same masks from the same versions, jobs and deliveries come to their end', { timeout: WAIT_MS }, async () => {
    service = await startServe({ folder, environment: { PROSAM_LEARNER: 'off' } });
    const predict = (more: object = {}) =>
      ask<{ encoderVersion: string; masks: { rle: CocoRle }[] }>('/v1/predict', {
        ...{ project: PROJECT, image: { base64: recorded.pictures.target }, options: { method: 'prosam', seed: 5 }, remember: false },
        ...more,
      });
    const live = await predict();
    expect(live.encoderVersion).toBe(recorded.version);
    expect(agreement(live.masks[0]?.rle as CocoRle, recorded.predictions.version)).toBeGreaterThan(0.99);
    const base = await predict({ encoderVersion: 'base' });
    expect(agreement(base.masks[0]?.rle as CocoRle, recorded.predictions.base)).toBeGreaterThan(0.99);
    expect(await ask(`${VERSIONS}/${recorded.version}`)).toMatchObject({ id: recorded.version, weights: cups.versions[0]?.weights });

    expect((await ask<{ annotations: unknown[] }>(`${project}/annotations`)).annotations).toMatchObject(cups.annotations);
    // What was deleted stays so, whatever comes again.
    const again = {
      project: PROJECT,
      externalId: 'deleted',
      revision: 2,
      provenance: 'rejected',
      image: { base64: recorded.pictures.target },
    };
    expect(await ask('/v1/annotations', again)).toMatchObject({ outcome: 'outdated' });

    const job = () => ask<{ state: string; done: number; failed: number }>(`/v1/jobs/${recorded.waitingJob}`);
    await waitFor(async () => (await job()).state === 'finished');
    expect(await job()).toMatchObject({ done: jobs[recorded.waitingJob]?.total, failed: 0 });
    const arrived = () => ask<{ deliveries: { state: string }[] }>('/v1/deliveries');
    await waitFor(async () => (await arrived()).deliveries.every(({ state }) => state === 'delivered'));
    expect(pushed.join('')).toContain('"event"');
    expect(await service.stop()).toBe(0);
  });

  it('learns on, as its configuration says, when the run that was asked for is still to come', { timeout: WAIT_MS }, async () => {
    service = await startServe({ folder });
    const runs = async () => (await ask<{ runs: { state: string; attempts: number; reason?: string }[] }>(`${project}/runs`)).runs;
    await waitFor(async () => (await runs()).filter(({ state }) => state !== 'running').length === 2);
    expect((await runs()).map(({ state }) => state)).toEqual([expect.stringMatching(/^(promoted|rejected)$/), 'promoted']);
    expect(await service.stop()).toBe(0);
  });
});

describe('a model folder of 0.1.0', () => {
  it('predicts as it did', async () => {
    const engine = await createEngine({ model: join(newCopy(), 'models/recorded'), device: 'cpu' });
    const { reference, truth, target } = recorded.pictures;
    const image = Buffer.from(reference, 'base64');
    const mask = maskFromCocoRle(truth);
    const { masks } = await engine.predict(Buffer.from(target, 'base64'), [{ image, mask }], {
      ...{ method: 'prosam', seed: 5 },
    });
    await engine.close();
    const before = maskFromCocoRle(recorded.predictions.model);
    expect(iou(masks[0]?.mask.data as Uint8Array, before.data)).toBeGreaterThan(0.99);
  });
});

/** Keys and values of 0.1.0 that have another name today; both spellings are read. */
const RENAMED: Record<string, string> = {
  hangMs: 'inferenceTimeoutMs',
  'labelStudio.root': 'labelStudio.mountAtRoot',
  'cvat.root': 'cvat.mountAtRoot',
};
const RENAMED_VALUES: Record<string, unknown> = {
  'learner.run child': 'managed',
  'learner.run elsewhere': 'external',
  'threads 0': 'auto',
};

describe('a configuration file of 0.1.0', () => {
  it.each([
    ['every-key.json', recorded.settings],
    ['prosam.config.json', recorded.servedSettings],
  ])('is accepted with every key, and means the same: %s', async (file, before) => {
    const path = join('test/recorded/0.1.0', file);
    const settings = JSON.parse(printableConfig(await loadConfig({ file: path, environment: {} }))) as Record<string, unknown>;
    const now = flattened(settings);
    const given = Object.keys(flattened(JSON.parse(readFileSync(path, 'utf8'))));
    expect(given.length).toBeGreaterThan(30);
    for (const key of given) {
      const was = flattened(before)[key];
      const is = RENAMED[key] !== undefined && RENAMED[key] in now ? now[RENAMED[key]] : now[key];
      const renamed = RENAMED_VALUES[`${key} ${String(was)}`];
      expect([key, is]).toEqual([key, renamed !== undefined && is === renamed ? renamed : was]);
    }
  });
});

/** Values by their path, such as labelStudio.root; lists are values. */
function flattened(value: unknown, path = ''): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return { [path]: value };
  return Object.assign({}, ...Object.entries(value).map(([key, one]) => flattened(one, path === '' ? key : `${path}.${key}`))) as Record<
    string,
    unknown
  >;
}
