/** The driver of docs/results.md (tools/results): what it keeps, and that it goes on where it ended. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createEngine } from '../../../src/core/runtime/node/create-engine.ts';
import type { Engine } from '../../../src/core/engine/types.ts';
import type { EpisodeRow, PromptRow } from '../../../src/training/evaluation/result.ts';
import type { Dataset } from '../../../src/training/types.ts';
import { cellOf, chunksOf, measureChunk, PROMPTS } from '../../../tools/results/cells.ts';
import { measuredOf, report } from '../../../tools/results/report.ts';
import { groundOf, type ResultSet } from '../../../tools/results/sets.ts';
import { sceneData } from '../training/evaluation/scene-data.ts';

const folder = mkdtempSync(join(tmpdir(), 'prosam-results-'));
let dataset: Dataset;
let engine: Engine;
beforeAll(async () => {
  dataset = await sceneData(join(folder, 'scenes'));
  engine = await createEngine({ model: 'tiny', device: 'cpu' });
});
afterAll(async () => {
  await engine.close();
  rmSync(folder, { recursive: true, force: true });
});

const SET: ResultSet = { name: 'made', title: 'made up', folds: [0, 1], pairs: 4, few: 2, open: () => Promise.resolve(dataset) };
const optionsOf = (out: string, limit = 1000) => ({
  model: 'tiny',
  out: join(folder, out),
  limit,
  few: 1000,
  methods: ['prosam', 'persam'] as const,
});
const measure = (out: string, limit?: number) => measureChunk(optionsOf(out, limit), { set: SET, dataset, fold: 0, chunk: 0, engine });
const counts = (out: string, entry: string) => cellOf<EpisodeRow>(join(folder, out), SET, 0, entry).rows.map((row) => row.counts);

describe('the driver of the results page', () => {
  it('goes on where it ended, with the numbers of a run that never did', async () => {
    const all = ['prosam', 'persam', 'copied mask', 'everything foreground', PROMPTS];
    expect(new Set(await measure('parts', 1))).toEqual(new Set([...all, 'prosam without coarse mask']));
    expect(counts('parts', 'prosam')).toHaveLength(1);
    await measure('parts');
    expect(await measure('parts')).toEqual([]);
    await measure('once');
    for (const entry of all.slice(0, 4)) expect(counts('parts', entry)).toEqual(counts('once', entry));
    expect([counts('once', 'prosam').length, counts('once', 'persam').length]).toEqual([4, 2]);
    const prompted = (out: string) => cellOf<PromptRow>(join(folder, out), SET, 0, PROMPTS);
    expect(prompted('parts')).toEqual(prompted('once'));
    expect(prompted('once')).toMatchObject({ pairs: 2 });
  });

  it('reports what is there, and compares shared pairs alone', async () => {
    await measure('told');
    const text = report([measuredOf(optionsOf('told'), SET, dataset.classes)]);
    expect(text).toContain('made up (4, 2)');
    expect(text).toMatch(/\| persam \| 0\.\d{3} \(0\.\d{3} to 0\.\d{3}\) \|/);
    expect(text).toMatch(/\| made up \| 2 \| 0\.\d{3} /);
    expect(chunksOf(SET)).toBe(1);
  });

  it('reads a field of plants as stuff: soil, and all that grows', async () => {
    const labels = { data: Uint8Array.from([0, 1, 2, 255]), width: 2, height: 2 };
    const ground = groundOf({ ...dataset, labels: () => Promise.resolve(labels) });
    const [pair] = ground.fold('all').testEpisodes(2, 1);
    expect((await ground.labels((pair as { target: { key: string; file: string } }).target)).data).toEqual(Uint8Array.from([1, 2, 2, 255]));
    expect(
      ground
        .fold('all')
        .testEpisodes(3, 1)
        .map(({ classId }) => classId),
    ).toEqual([1, 2, 1]);
  });
});
