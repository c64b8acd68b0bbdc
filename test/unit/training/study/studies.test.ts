/** Every study once, small but real: the built-in model, a dozen scenes, two training steps. */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openModel } from '../../../../src/core/checkpoint/model-folder.ts';
import { noiseDeviation } from '../../../../src/core/networks/prompt-distribution.ts';
import { contestantsOf } from '../../../../src/training/evaluation/entries.ts';
import { evaluate } from '../../../../src/training/evaluation/evaluate.ts';
import type { FlatnessRow } from '../../../../src/training/study/flatness-measure.ts';
import type { PromptRegion } from '../../../../src/training/study/prompt/region-measure.ts';
import { runStudy } from '../../../../src/training/study/run-study.ts';
import type { ScoreMetrics } from '../../../../src/training/study/score-part.ts';
import type { StudyOptions } from '../../../../src/training/study/study-options.ts';
import { studyPage } from '../../../../src/training/study/study-page.ts';
import type { StudyName, StudyResult } from '../../../../src/training/study/study-result.ts';
import type { TrainOptions } from '../../../../src/training/train-options.ts';
import { train } from '../../../../src/training/loop/trainer.ts';
import type { Dataset } from '../../../../src/training/types.ts';
import { expectRejection } from '../../core/expect-error.ts';
import { smallStudy, studyData, testEngine } from './study-data.ts';

const folder = mkdtempSync(join(tmpdir(), 'prosam-study-'));
const runs = join(folder, 'runs');
let dataset: Dataset;
beforeAll(async () => {
  dataset = await studyData(join(folder, 'data'));
});
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

/** All studies share runs and features, as studies that are told to do. */
async function study(name: StudyName, more: Partial<StudyOptions> = {}): Promise<{ result: StudyResult; notes: string[] }> {
  const notes: string[] = [];
  const shared = { runs, cacheDir: join(folder, 'features'), onNote: (line: string) => void notes.push(line) };
  const result = await runStudy(name, smallStudy(dataset, join(folder, name), { ...shared, ...more }));
  expect(result).toMatchObject({ format: 'prosam-study/1', study: name, data: 'scenes' });
  const html = studyPage(result);
  for (const { heading, tables } of result.parts) {
    for (const { head, rows, caption } of tables) {
      for (const row of rows) expect(row, `${heading}: ${caption}`).toHaveLength(head.length);
      expect(caption).toMatch(/^(Measured here|Published)/);
    }
  }
  expect(html.match(/<svg/g) ?? []).toHaveLength(result.parts.flatMap(({ charts }) => charts).length);
  expect(html).not.toMatch(/(src|href)="(?!data:|#)|NaN|undefined/);
  return { result, notes };
}
const published = ({ parts }: StudyResult): string[][] =>
  parts.flatMap(({ tables }) => tables.filter(({ caption }) => caption.startsWith('Published')).flatMap(({ rows }) => rows));
const trained = (notes: readonly string[]): string[] => notes.filter((note) => /trains \d+ steps/.test(note));

describe('distributions', () => {
  const variants = ['student_t', 'gaussian_matched', 'deterministic', 'two_linear'] as const;

  it('trains each variant, measures it under noise, and keeps everything for the next call', async () => {
    const { result, notes } = await study('distributions', { variants });
    expect(trained(notes)).toHaveLength(4);
    const { scores, columns } = result.figures as { scores: ScoreMetrics[]; columns: Record<string, string>[] };
    expect(scores.map(({ name }) => name)).toEqual([
      'ProSAM, Student-t',
      "Gaussian at the Student-t's noise",
      'VRP-SAM, deterministic',
      'VRP-SAM + 2 linear',
    ]);
    for (const { miou } of scores) expect(miou.value).toBeGreaterThanOrEqual(0);
    expect(columns.map(({ noise }) => noise === '-')).toEqual([false, false, true, true]);
    // At the start sigma is all but the same, and so is the noise, though one is a t and the other a Gaussian.
    const [student, matched] = columns.map(({ noise }) => Number(noise)) as [number, number];
    expect(Math.abs(student / matched - 1)).toBeLessThan(0.02);
    expect(published(result)).toHaveLength(5);

    const again = await study('distributions', { variants });
    expect(again.result).toEqual(result);
    expect(again.notes).toHaveLength(8);
    expect(again.notes.every((note) => note.endsWith('kept'))).toBe(true);
  });

  it('trains what it says it trains', async () => {
    const encoder = async (variant: string) =>
      (await openModel(join(runs, `tiny-${variant}-mask-fold0-seed321`, 'last'))).manifest.prompt_encoder;
    const scale = noiseDeviation({ kind: 'student_t', nu: 5, n: 64 });
    expect(await encoder('gaussian_matched')).toMatchObject({ distribution: 'gaussian', noise_scale: scale });
    expect(scale).toBeCloseTo(Math.sqrt(5 / 67), 9);
    expect(await encoder('two_linear')).toMatchObject({
      distribution: 'deterministic',
      config: { probabilistic: false, stackedHeads: true },
    });
  });

  it('trains with the noise it says', async () => {
    const firstLoss = async (more: Partial<TrainOptions>): Promise<number> => {
      const options = {
        dataset,
        model: 'tiny',
        engine: await testEngine(),
        out: join(folder, `noise-${String(more.noiseScale)}`),
        maxSteps: 1,
        samples: 2,
      };
      const cacheDir = join(folder, 'features');
      for await (const event of train({
        ...options,
        start: 'scratch',
        distribution: 'gaussian',
        validationPairs: 0,
        cacheDir,
        device: 'cpu',
        ...more,
      }))
        if (event.type === 'step') return event.row.loss;
      return NaN;
    };
    const [plain, one, less] = [await firstLoss({}), await firstLoss({ noiseScale: 1 }), await firstLoss({ noiseScale: 0.27 })];
    expect(one).toBe(plain);
    expect(Math.abs(less - plain)).toBeGreaterThan(1e-6);
  });

  it('measures the mIoU that an evaluation of the same model measures', async () => {
    const model = join(runs, 'tiny-student_t-mask-fold0-seed321', 'last');
    const contestants = contestantsOf({ models: [model], methods: ['prosam'] });
    const { contestants: found } = await evaluate({ dataset, folds: [0], pairs: 4, contestants, device: 'cpu', threads: 1 });
    const { result } = await study('distributions', { variants: ['student_t'] });
    const [own] = (result.figures as { scores: ScoreMetrics[] }).scores;
    expect(own?.miou.value).toBeCloseTo(found[0]?.miou.value ?? NaN, 1);
  });
});

describe('strategies', () => {
  it('merges the samples of one model in every way', async () => {
    const { result, notes } = await study('strategies');
    expect(trained(notes)).toEqual([]);
    const [{ scores }] = result.figures as [{ scores: ScoreMetrics[] }];
    expect(scores).toHaveLength(6);
    expect(scores[0]?.name).toBe('mean prompt only');
    expect(published(result)).toHaveLength(6);
    const model = join(runs, 'tiny-student_t-mask-fold{fold}-seed321', 'last');
    const ready = await study('strategies', { trained: [model], out: join(folder, 'ready') });
    expect((ready.result.figures as [{ scores: ScoreMetrics[] }])[0].scores.map(({ miou }) => miou)).toEqual(
      scores.map(({ miou }) => miou),
    );
  });
});

describe('flatness', () => {
  it('finds masks that change little under little noise and are lost under much', async () => {
    const { result, notes } = await study('flatness', { pairs: 3, probes: 3 });
    expect(trained(notes)).toEqual([]);
    const contenders = result.figures as { title: string; pairs: FlatnessRow[] }[];
    expect(contenders.map(({ title, pairs }) => [title, pairs.length])).toEqual([
      ['ProSAM, Student-t', 3],
      ['VRP-SAM, deterministic', 3],
    ]);
    for (const row of contenders.flatMap(({ pairs }) => pairs)) {
      expect(row.relativeAgreement[0]).toBe(1);
      expect(row.absoluteAgreement[0]).toBe(1);
      expect(row.relativeAgreement.at(-1)).toBeLessThan(row.relativeAgreement[1] ?? 0);
      expect(row.relative[0]).toBe(row.absolute[0]);
      expect(row.laplacianError).toBeGreaterThan(0);
      expect([row.laplacian, row.loss, row.slope].every(Number.isFinite)).toBe(true);
      // Both steps see the same curvature, to what 32 bits allow.
      expect(Math.abs(row.laplacianAtTwiceTheStep - row.laplacian)).toBeLessThan(0.25 * Math.abs(row.laplacian) + 3 * row.laplacianError);
    }
  });
});

describe('domain-shift', () => {
  it('tests on other data without the classes trained on', async () => {
    const testDataset = await studyData(join(folder, 'other'), 'others');
    const { result, notes } = await study('domain-shift', { testDataset });
    expect(trained(notes)).toEqual([]);
    const { tested } = result.figures as { tested: { fold: number; classes: { id: number }[] }[] };
    expect(tested.map(({ fold, classes }) => [fold, classes.map(({ id }) => id)])).toEqual([[0, dataset.fold(0).novel]]);
    expect(result.notes[0]).toMatch(/2 classes of others are tested, 2 were trained on/);
    expect(published(result)).toHaveLength(9);
  });
});

describe('annotations', () => {
  it('trains and tests one encoder for each kind of mark', async () => {
    const { result, notes } = await study('annotations', { variants: ['student_t'], pairs: 2, steps: 1, runs: join(folder, 'one-step') });
    expect(trained(notes)).toHaveLength(4);
    const kinds = result.figures as { annotation: string; scores: ScoreMetrics[] }[];
    expect(kinds.map(({ annotation }) => annotation).sort()).toEqual(['box', 'mask', 'point', 'scribble']);
    const { prompt_encoder: encoder } = (await openModel(join(folder, 'one-step', 'tiny-student_t-point-fold0-seed321', 'last'))).manifest;
    expect(encoder?.label_reduction).toEqual({ kind: 'any' });
    expect(published(result)).toHaveLength(21);
  });
});

describe('backbones', () => {
  it('compares blocks of SAM where there is one model', async () => {
    const { result } = await study('backbones', { variants: ['deterministic'], pairs: 2, steps: 1 });
    const { scores } = result.figures as { scores: ScoreMetrics[] };
    expect(scores.map(({ name }) => name)).toEqual([1, 3, '1-3'].map((blocks) => `VRP-SAM, deterministic, models-blocks-${blocks}`));
    expect(readdirSync(join(folder, 'backbones', 'models')).sort()).toEqual(['blocks-1', 'blocks-1-3', 'blocks-3']);
    expect(published(result)).toHaveLength(8);
  });
});

describe('prompt-region', () => {
  it('learns prompts and a distribution, scores and pictures them', async () => {
    const small = { starts: 3, searchSteps: 4, pairs: 1, lr: 0.5 };
    const { result } = await study('prompt-region', small);
    const [region] = result.figures as [PromptRegion];
    expect(region).toMatchObject({ learned: { length: 3 }, samples: { length: 3 }, distribution: { steps: 4, converged: false } });
    for (const { iou, bce } of [...region.learned, ...region.samples, region.mean]) {
      expect(iou).toBeGreaterThanOrEqual(0);
      expect(iou).toBeLessThanOrEqual(1);
      expect(bce).toBeGreaterThan(0);
    }
    expect(region.picture).toHaveLength(7);
    expect(region.distances.samplesFromMean).toBeLessThan(region.distances.learnedFromMiddle);
    expect(result.parts[1]?.charts.map(({ kind }) => kind)).toEqual(['box', 'box', 'scatter']);
    const again = await study('prompt-region', small);
    expect(again.result).toEqual(result);
    expect(again.notes.at(-1)).toMatch(/kept$/);
  });
});

describe('runStudy', () => {
  it('goes on where it was ended', async () => {
    const out = join(folder, 'ended');
    const notes: string[] = [];
    const steps: number[] = [];
    const interrupt = new AbortController();
    const more: Partial<StudyOptions> = {
      variants: ['deterministic'],
      steps: 6,
      pairs: 2,
      cacheDir: join(folder, 'features'),
      onNote: (line) => void notes.push(line),
      onProgress: ({ what, done }) => {
        if (!what.startsWith('training')) return;
        steps.push(done);
        if (done === 2) interrupt.abort(new Error('enough'));
      },
    };
    await expect(runStudy('distributions', smallStudy(dataset, out, { ...more, signal: interrupt.signal }))).rejects.toThrow('enough');
    expect(steps).toEqual([1, 2]);
    const result = await runStudy('distributions', smallStudy(dataset, out, more));
    expect(steps).toEqual([1, 2, 3, 4, 5, 6]);
    expect(notes.filter((note) => note.includes('goes on after 2 of 6'))).toHaveLength(1);
    const whole = await runStudy('distributions', smallStudy(dataset, join(folder, 'whole'), { ...more, onProgress: () => undefined }));
    expect(result.figures).toEqual(whole.figures);
    expect((await runStudy('distributions', smallStudy(dataset, out, more))).figures).toEqual(whole.figures);
    expect(steps).toHaveLength(6);
  });

  it('refuses what makes no study', async () => {
    const out = join(folder, 'refused');
    const refused = (name: StudyName, more: Partial<StudyOptions>, ...message: RegExp[]) =>
      expectRejection('OPTION_INVALID', runStudy(name, smallStudy(dataset, out, more)), ...message);
    await refused('domain-shift', {}, /testDataset/);
    await refused('distributions', { trained: ['tiny'] }, /trained/);
    await refused('strategies', { models: ['tiny', 'other'] }, /backbones/);
    await refused('strategies', { seeds: [] }, /seeds/);
    await refused('strategies', { samples: 0 }, /samples/);
    await refused('flatness', { probes: 0 }, /probes/);
    await refused('strategies', { variants: [] }, /variants/);
    expect(readdirSync(folder)).not.toContain('refused');
  });
});
