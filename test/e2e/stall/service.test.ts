/** The whole service while somebody else holds what it needs: those who do not need it are answered, the others once it is given back. */
import sharp from 'sharp';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createServer } from '../../../src/server/create-server.ts';
import { sceneWith } from '../../../src/scenes/scene-with.ts';
import { silentLog } from '../../../src/service/ports/log.ts';
import { cocoRleFromMaskSync, createEngine, type Engine } from '../../../src/index.ts';
import type { AcceptRequest } from '../../../src/service/types.ts';
import { postgresPrograms } from '../../unit/storage/start-postgres.ts';
import { s3Program } from '../../unit/storage/start-s3.ts';
import { expectRejection } from '../../unit/core/expect-error.ts';
import { startHolder, type Hold } from './holder.ts';
import { serverPlace, sqlitePlace, type StallPlace } from './places.ts';
import { untilAnswered } from './until-answered.ts';

let engine: Engine;
beforeAll(async () => {
  engine = await createEngine({ model: 'tiny' });
});
afterAll(() => engine.close());

let seed = 9000;
async function shown() {
  const { image, truth } = sceneWith(31, () => seed++);
  const raw = { raw: { width: image.width, height: image.height, channels: 3 as const } };
  return { bytes: new Uint8Array(await sharp(image.data, raw).png().toBuffer()), rle: cocoRleFromMaskSync(truth) };
}
async function annotation(project: string, externalId: string): Promise<AcceptRequest> {
  const { bytes, rle } = await shown();
  return {
    ...{ project, source: 'test', externalId, revision: 1, image: bytes, provenance: 'drawn' },
    masks: [{ label: 'cup', rle }],
  };
}

/** Time-outs nobody comes to in these tests, but where one is asked for. */
const LONG = { lockMs: 600_000, statementMs: 600_000, idleTransactionMs: 600_000 };

function openService({ database, objects }: Pick<StallPlace, 'database' | 'objects'>, storageTimeouts = {}) {
  return createServer({
    ...{ engine: { ...engine, close: () => Promise.resolve() }, logger: silentLog, environment: {}, port: 0, database, objects },
    ...{ learner: { run: 'off' }, labelStudio: { enabled: false }, cvat: { enabled: false } },
    storageTimeouts: { ...LONG, ...storageTimeouts },
  });
}

/** What is opened in a test, and ended after it, whatever became of it. */
const ending: (() => unknown)[] = [];
const ended = <T extends { close(): unknown }>(opened: T): T => {
  ending.push(() => opened.close());
  return opened;
};
afterEach(async () => {
  for (const end of ending.splice(0).reverse()) await end();
});

function holdConformance(make: () => StallPlace | Promise<StallPlace>, holdOf: (place: StallPlace) => Hold): void {
  it('answers everybody else while a process that was stopped holds the lock, and all goes on once it is given back', async () => {
    const place = ended(await make());
    const prosam = ended(await openService(place));
    const url = await prosam.listen();
    const { service } = prosam;
    await service.annotations.accept(await annotation('held', 'one'));
    const holder = await startHolder(holdOf(place));
    ending.push(() => holder.kill());
    holder.stop();
    const events: string[] = [];
    const note =
      (what: string) =>
      <T>(value: T): T => {
        events.push(what);
        return value;
      };
    // More than there are connections.
    const waiting = await Promise.all(Array.from({ length: 12 }, (_, i) => annotation('held', `waits ${i}`)));
    const accepted = Promise.all(waiting.map((request) => service.annotations.accept(request).then(note('stored'))));
    const target = await shown();
    for (let i = 0; i < 20; i++) {
      const { status } = await fetch(`${url}/health`);
      expect(status).toBe(200);
    }
    note('healthy')(undefined);
    expect((await fetch(`${url}/ready`)).status).toBe(200);
    note('ready')(undefined);
    // Of an image nobody has seen yet, which could be kept only with the lock.
    const { masks } = await service.predictions.predict({ project: 'held', image: target.bytes }).then(note('predicted'));
    expect(masks.map(({ label }) => label)).toEqual(['cup']);
    const ids = (await service.annotations.list('held', { limit: 100 })).map(({ externalId }) => externalId);
    expect(ids).toEqual(['one']);
    await service.projects.get('held').then(note('looked'));
    await service.predictions.list({ limit: 10 }).then(note('listed'));
    expect(events).toEqual(['healthy', 'ready', 'predicted', 'looked', 'listed']);
    holder.goOn();
    expect(await holder.release()).toBe('kept');
    expect(new Set((await accepted).map(({ outcome }) => outcome))).toEqual(new Set(['stored']));
    // What was acknowledged is seen by whoever asks next.
    expect(await service.annotations.list('held', { limit: 100 })).toHaveLength(13);
  });
}

describe('SQLite and a folder', () => {
  for (const how of ['immediate', 'exclusive'] as const) {
    describe(`a foreign lock (${how})`, () => {
      holdConformance(sqlitePlace, ({ database }) => ({ kind: 'sqlite', file: database, how }));
    });
  }
});

describe.skipIf(postgresPrograms() === undefined || s3Program() === undefined)('Postgres and S3 (needs postgresql and moto_server)', () => {
  const holdOf = ({ databaseItself, objects }: StallPlace): Hold => ({
    ...{ kind: 'project', database: databaseItself, objects, project: 'held', timeouts: LONG },
  });
  holdConformance(serverPlace, holdOf);

  it('refuses one request for an image that never comes, and answers the next', async () => {
    const place = ended(await serverPlace());
    const { service } = ended(await openService(place));
    await service.annotations.accept(await annotation('p', 'one'));
    const known = await shown();
    const { image } = await service.predictions.predict({ project: 'p', image: known.bytes });
    // A service that has read nothing of it yet.
    const other = ended(await untilAnswered(() => openService(place, { silenceMs: 400, objectMs: 1500 })));
    const url = await other.listen();
    const ask = () => fetch(`${url}/v1/images/${image.sha256}?project=p`);
    place.toObjects?.stall();
    const [refused, alike] = await Promise.all([ask(), ask(), expectRejection('STORAGE_TIMEOUT', other.service.predictions.predict({ project: 'p', image }), 'bucket')]); // prettier-ignore
    expect([refused.status, alike.status]).toEqual([503, 503]);
    expect(refused.headers.get('retry-after')).not.toBeNull();
    expect((await fetch(`${url}/health`)).status).toBe(200);
    place.toObjects?.resume();
    const { masks } = await untilAnswered(() => other.service.predictions.predict({ project: 'p', image }));
    expect(masks).toHaveLength(1);
    expect((await ask()).status).toBe(200);
  });
});
