/**
 * Latency of store queries with many annotations in one project. On SQLite, and on the empty Postgres database that PROSAM_POSTGRES
 * names, or on one started for the purpose where the programs are installed.
 *
 *   npm run bench:store [-- ANNOTATIONS]
 */
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { preferenceOf } from '../../src/service/ports/provenance.ts';
import { writeEntries, type Entry, type Row } from '../../src/storage/copy/copy-rows.ts';
import { MOVED_TABLES, type MovedTable } from '../../src/storage/schema/copied-tables.ts';
import { openWholeStorage, type OpenStorage } from '../../src/storage/open-storage.ts';
import { PROVENANCES } from '../../src/service/ports/storage.ts';
import { postgresPrograms, startPostgres } from '../../test/unit/storage/start-postgres.ts';

const ANNOTATIONS = Number(process.argv[2] ?? 100_000);
const PROJECT = 'factory';
const LABELS = Array.from({ length: 20 }, (_, i) => `label ${String(i).padStart(2, '0')}`);
const REPEATS = 60;
/** Goal for the store's latency. */
const WANTED_P95_MS = 100;

/** Every image has two annotations, and for each such image there is one that nobody has annotated. */
const images = Math.ceil(ANNOTATIONS / 2);
const nameOf = (image: number): string => createHash('sha256').update(String(image)).digest('hex');
const provenanceOf = (i: number) => PROVENANCES[i % 4] ?? 'drawn';

async function* entries(): AsyncGenerator<Entry> {
  yield entry('projects', { project: PROJECT, revision: ANNOTATIONS, current_version: null, images: 2 * images, annotated: images });
  for (let i = 0; i < 2 * images; i++) {
    const facts = { project: PROJECT, sha256: nameOf(i), width: 1920, height: 1080, external_id: `image ${i}`, created_ms: i };
    yield entry('images', { ...facts, annotated: i < images ? 1 : 0, uncertainty: (i * 7919) % 1000 / 1000, split: i % 5 ? 'train' : 'gate' }); // prettier-ignore
    if (i % 1000 === 0) await Promise.resolve();
  }
  for (let i = 0; i < ANNOTATIONS; i++) {
    const key = { sequence: i + 1, project: PROJECT, source: 'bench', external_id: String(i), revision: 1, sha256: nameOf(i >> 1) };
    const how = { provenance: provenanceOf(i), flagged: 0, annotator: null, prediction_version: null };
    yield entry('annotations', { ...key, ...how, created_ms: i, content: '', active: 1 });
  }
  for (let i = 0; i < ANNOTATIONS; i++) {
    const what = { id: i + 1, sequence: i + 1, project: PROJECT, label: LABELS[i % LABELS.length] ?? '', sha256: nameOf(i >> 1) };
    // As long as the run lengths of an object of middling outline.
    const mask = { height: 1080, width: 1920, counts: 'abcdefgh'.repeat(75), area: 5000, provenance: provenanceOf(i), flagged: 0 };
    yield entry('masks', { ...what, ...mask, preference: preferenceOf(provenanceOf(i), false), created_ms: i, active: 1, feature: null });
  }
  for (const label of LABELS)
    yield entry('concepts', { project: PROJECT, label, masks: Math.ceil(ANNOTATIONS / LABELS.length), newest: ANNOTATIONS });
}

function entry(name: MovedTable['name'], row: Row): Entry {
  return { table: MOVED_TABLES.find((table) => table.name === name) as MovedTable, row };
}

async function measure(name: string, storage: OpenStorage): Promise<void> {
  const started = performance.now();
  await writeEntries(storage, entries(), () => undefined);
  console.log(`\n${name}: ${ANNOTATIONS} annotations in ${((performance.now() - started) / 1000).toFixed(1)} s`);
  const { annotations, images: pictures, versions } = storage.store;
  const middle = ANNOTATIONS >> 1;
  const label = LABELS[3] ?? '';
  let next = 0;
  const questions: Record<string, () => Promise<unknown>> = {
    'list 100, newest': () => annotations.list(PROJECT, { limit: 100 }),
    'list 100, middle': () => annotations.list(PROJECT, { limit: 100, before: middle + next++ }),
    'list 100 of a label, middle': () => annotations.list(PROJECT, { limit: 100, label, before: middle + next++ }),
    'list 1000, newest': () => annotations.list(PROJECT, { limit: 1000 }),
    'candidates 50': () => annotations.candidates(PROJECT, LABELS[next++ % LABELS.length] ?? '', 50),
    'candidates 200': () => annotations.candidates(PROJECT, LABELS[next++ % LABELS.length] ?? '', 200),
    'masks 1000, middle': () => annotations.masks(PROJECT, { limit: 1000, after: middle + next++ }),
    concepts: () => annotations.concepts(PROJECT),
    'unlabelled 100': () => pictures.unlabelled(PROJECT, { limit: 100 }),
    'unlabelled 100, far down': () => pictures.unlabelled(PROJECT, { limit: 100, offset: images - 200 }),
    counts: () => pictures.counts(PROJECT),
    state: () => versions.state(PROJECT),
    'accept a new one': () => {
      const image = { project: PROJECT, sha256: nameOf(next++ % images), width: 1920, height: 1080 };
      const mask = { label, rle: { size: [1080, 1920] as const, counts: 'abcdefgh'.repeat(75) }, area: 5000 };
      const key = { project: PROJECT, source: 'bench', externalId: `new ${next}`, revision: 1 };
      return annotations.accept({ ...key, image, provenance: 'edited', masks: [mask], createdMs: next }, [
        { name: 'learn', key: PROJECT, data: 1 },
      ]);
    },
    'correct an old one': () => {
      const image = { project: PROJECT, sha256: nameOf(next++ % images), width: 1920, height: 1080 };
      const mask = { label, rle: { size: [1080, 1920] as const, counts: 'abcdefgh'.repeat(75) }, area: 5000 };
      const key = { project: PROJECT, source: 'bench', externalId: String(next % ANNOTATIONS), revision: 2 };
      return annotations.accept({ ...key, image, provenance: 'edited', masks: [mask], createdMs: next }, []);
    },
  };
  let slow = 0;
  for (const [what, ask] of Object.entries(questions)) {
    const times: number[] = [];
    for (let i = 0; i < REPEATS; i++) {
      const before = performance.now();
      await ask();
      times.push(performance.now() - before);
    }
    times.sort((one, other) => one - other);
    const at = (share: number): number => times[Math.min(times.length - 1, Math.floor(share * times.length))] ?? NaN;
    if (at(0.95) > WANTED_P95_MS) slow++;
    const figures = [at(0.5), at(0.95), at(1)].map((ms) => ms.toFixed(2).padStart(8)).join(' ');
    console.log(`${what.padEnd(30)} p50, p95, max ${figures} ms${at(0.95) > WANTED_P95_MS ? '  TOO SLOW' : ''}`);
  }
  await storage.close();
  if (slow > 0) process.exitCode = 1;
}

const folder = mkdtempSync(join(tmpdir(), 'prosam-bench-store-'));
const objects = join(folder, 'blobs');
await measure('SQLite', await openWholeStorage({ database: join(folder, 'prosam.db'), objects }));
const given = process.env['PROSAM_POSTGRES'];
const server = given === undefined && postgresPrograms() !== undefined ? await startPostgres({ fsync: true }) : undefined;
const postgres = given ?? (await server?.createDatabase());
if (postgres !== undefined) await measure('Postgres', await openWholeStorage({ database: postgres, objects }));
else console.log('\nPostgres: not measured; it is not installed, and PROSAM_POSTGRES=postgres://... names no empty database');
await server?.stop();
rmSync(folder, { recursive: true, force: true });
