/** What becomes of candidates that are not deployed, and of images that are held out in turn. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import type { VersionRecord } from '../../../src/service/ports/versions.ts';
import { ENGINE_NAME } from '../training/small-run.ts';
import { learnerBench, textWith } from './learner-bench.ts';
import { PROJECT } from './small-project.ts';

const bench = learnerBench();
const { learn, runsOf, versionsOf, ofType } = bench;

interface Metrics {
  gate: { decision: string; pairs: number; images: number; changed: number; labels: { accepted: number }[]; rows: { target: string }[] };
  goesOnFrom?: string;
  notes: string[];
}
const metricsOf = (version: VersionRecord | undefined): Metrics => version?.metrics as Metrics;
/** Numbers of the folds that were trained, as they came. */
const foldsTold = (): number[] => [...new Set(ofType('step').flatMap(({ fold }) => (fold ? [fold.number] : [])))];

describe(`a candidate that is not deployed (${ENGINE_NAME})`, () => {
  it('is left to learn more: the next run goes on from it, and is held against what answers', async () => {
    await bench.world.annotate(8);
    expect(await learn({ minGateImages: 5 })).toMatchObject({ state: 'rejected', reason: textWith(/: too few images to tell \(5 are/) });
    const [first] = await versionsOf();
    expect(first).toMatchObject({ outcome: 'rejected', metrics: { gate: { decision: 'learn' } } });
    expect((await bench.world.storage.store.versions.state(PROJECT)).current).toBeUndefined();
    expect(await runsOf()).toMatchObject([{ state: 'rejected', encoderVersion: first?.id }]);

    expect(await learn()).toMatchObject({ state: 'promoted' });
    const [second] = await versionsOf();
    expect(metricsOf(second)).toMatchObject({ goesOnFrom: first?.id, notes: [`it goes on from ${first?.id}, which is not in service`] });
    expect(second?.parent).toBeUndefined();

    // Once another version answers, it counts no more.
    await learn();
    const [third] = await versionsOf();
    expect(third).toMatchObject({ parent: second?.id });
    expect(metricsOf(third).goesOnFrom).toBeUndefined();
  });

  it('is not what nobody sees: with no visible change it is not deployed, whatever the gate tolerates', async () => {
    await bench.world.annotate(8);
    expect(await learn({ alikeIou: 0 })).toMatchObject({ state: 'rejected', reason: textWith(/: no visible change$/) });
    expect(metricsOf((await versionsOf())[0]).gate).toMatchObject({ decision: 'learn', changed: 0 });
    // A method that never asks the prompt encoder answers: more training could not change a mask either.
    expect(await learn({ method: 'nearest', lr: 0.1 })).toMatchObject({ state: 'rejected', reason: textWith(/: no visible change$/) });
  });
});

describe(`images held out in turn (${ENGINE_NAME})`, () => {
  it('tests on every image of a small project, each with weights that do not know it', async () => {
    const hashes = await bench.world.annotate(8);
    await learn({ folds: 4 });
    const { gate } = metricsOf((await versionsOf())[0]);
    expect(new Set(gate.rows.map(({ target }) => target))).toEqual(new Set(hashes));
    expect(gate).toMatchObject({ images: 8, pairs: 8 });
    expect(gate.labels.map(({ accepted }) => accepted)).toEqual([4, 4]);
    expect(foldsTold()).toEqual([1, 2, 3, 4, 5, 6]); // two are held back for good
    const [run] = await runsOf();
    expect(readdirSync(join(bench.world.folder, 'learner', 'runs', run?.id ?? ''))).toEqual(['metrics.jsonl']);
  });

  it('goes on where it was put aside, without the groups that are done', async () => {
    await bench.world.annotate(8);
    const stop = new AbortController();
    const interrupted = await learn(
      { folds: 4 },
      {
        signal: stop.signal,
        onEvent(event) {
          bench.events.push(event);
          if (event.type === 'step' && event.fold?.number === 3) stop.abort();
        },
      },
    );
    expect(interrupted).toMatchObject({ state: 'interrupted' });
    expect(foldsTold()).toEqual([1, 2, 3]);
    bench.events.length = 0;
    expect(await learn({ folds: 4 })).toMatchObject({ state: 'promoted' });
    expect(foldsTold()).toEqual([3, 4, 5, 6]);
    expect(metricsOf((await versionsOf())[0]).gate).toMatchObject({ images: 8 });
    expect(await runsOf()).toMatchObject([{ state: 'promoted', attempts: 2 }]);
  });

  it('spares the trainings where the images held back show no change', async () => {
    await bench.world.annotate(8);
    await learn({ folds: 4, alikeIou: 0 });
    expect(foldsTold()).toEqual([]);
  });

  it('does not let fewer images than a decision takes spare them, and spares the rest once there are enough', async () => {
    await bench.world.annotate(8);
    await learn({ folds: 4, alikeIou: 0, minGateImages: 5 });
    const { gate } = metricsOf((await versionsOf())[0]);
    expect(gate).toMatchObject({ images: 5, changed: 0 });
    expect(foldsTold()).toEqual([1, 2, 3]); // two are held back for good
  });
});

describe(`images that do not show a label (${ENGINE_NAME})`, () => {
  it('teach, and count at the gate where they are held back', async () => {
    await bench.world.annotate(8);
    const { blobs, store } = bench.world.storage;
    const labels = (await store.annotations.concepts(PROJECT)).map(({ label }) => label);
    for (let i = 0; i < 6; i++) {
      const sha256 = await blobs.put(
        await sharp({ create: { width: 96, height: 96, channels: 3, background: { r: 40 * i, g: 90, b: 20 } } })
          .png()
          .toBuffer(),
      );
      const image = { project: PROJECT, sha256, width: 96, height: 96 };
      const key = { project: PROJECT, source: 'test', externalId: `empty ${i}`, revision: 1, createdMs: 1 };
      await store.annotations.accept({ ...key, image, provenance: 'absent', masks: [], absent: labels }, []);
    }
    await learn({ gateShare: 0.5 });
    const [version] = await versionsOf();
    const { gate, training } = version?.metrics as { gate: { rows: { absent?: true }[] }; training: { absences: number } };
    expect(training.absences).toBe(12);
    const empty = gate.rows.filter(({ absent }) => absent);
    expect(empty.length).toBeGreaterThan(0);
    for (const { current, candidate } of empty as { current: number; candidate: number }[])
      expect([0, 1]).toEqual(expect.arrayContaining([current, candidate]));
  });
});
