import { describe, expect, test } from 'vitest';
import { trainingReport, type StepRow } from '../../../../src/training/report/training-report.ts';

const STEPS: StepRow[] = Array.from({ length: 500 }, (_, i) => ({
  step: i + 1,
  epoch: 1 + Math.floor(i / 100),
  loss: 2 - i / 500,
  bce: 1 - i / 1000,
  dice: 1 - i / 1000,
  sigmaMean: Math.exp(-i / 100),
  sigmaMin: Math.exp(-1 - i / 100),
  sigmaMax: Math.exp(1 - i / 100),
  lr: 1e-4,
  imagesPerSecond: 10 + (i % 3),
}));
const VALIDATIONS = [30, 41.237, 38].map((miou, i) => ({ step: 100 * (i + 1), epoch: i + 1, miou, fbIou: 60 + i }));
const PNG = Uint8Array.of(1, 2, 3);

function charts(html: string): string[] {
  return [...html.matchAll(/<svg[^]*?<title>(.*?)<\/title>/g)].map(([, title]) => title as string);
}

describe('trainingReport', () => {
  const images = [{ title: 'bird <1>', rounds: Array.from({ length: 20 }, (_, i) => ({ epoch: i + 1, png: PNG, iou: i / 20 })) }];
  const html = trainingReport({
    settings: { seed: 321, lr: 0.0001, data: 'a<b' },
    steps: STEPS,
    validations: VALIDATIONS,
    images,
    status: 'Epoch 5 of 100.',
  });

  test('shows the coarse mask, the distance from the start and the likeness of the prompts where a run has them', () => {
    const steps = STEPS.map((row) => ({ ...row, coarse: 0.4, keep: 0.01, muCosine: 0.987 }));
    const more = trainingReport({ settings: {}, steps, validations: [], images: [] });
    expect(charts(more)).toEqual(expect.arrayContaining(['Distance from the first answers', 'Mean cosine between prompts']));
    expect(more).toContain('coarse mask');
    expect(more).toContain('<td>mean cosine between prompts</td><td>0.987</td>');
    expect(html).not.toContain('coarse mask');
  });

  test('has the four charts, the summary, the images and the settings, and needs nothing from elsewhere', () => {
    expect(charts(html)).toEqual(['Loss per step', 'Validation', 'Sigma per step', 'Learning rate per step']);
    expect(html).toContain('Epoch 5 of 100.');
    expect(html).toContain('<td>best validation</td><td>mIoU 41.24 %, FB-IoU 61.00 % (epoch 2, step 200)</td>');
    expect(html).toContain('<td>last validation</td><td>mIoU 38.00 %, FB-IoU 62.00 % (epoch 3, step 300)</td>');
    expect(html).toContain('<td>images per second (median)</td><td>11</td>');
    // The mean of the last ten losses: 2 - 494.5 / 500.
    expect(html).toContain('<td>loss of late</td><td>1.011</td>');
    for (const cell of ['321', '0.0001', 'a&#60;b']) expect(html).toContain(`<td>${cell}</td>`);
    expect(html.replaceAll('xmlns="http://www.w3.org/2000/svg"', '')).not.toMatch(/<script|https?:|<link/);
  });

  test('shows at most eight rounds of a pair, the first and the last among them', () => {
    const rounds = [...html.matchAll(/epoch (\d+): IoU/g)].map(([, epoch]) => Number(epoch));
    expect(rounds).toHaveLength(8);
    expect([rounds[0], rounds.at(-1)]).toEqual([1, 20]);
    expect(rounds).toEqual([...new Set(rounds)].sort((a, b) => a - b));
  });

  test('a run that has just begun, and one without a spread', () => {
    const empty = trainingReport({ settings: {}, steps: [], validations: [], images: [] });
    expect(charts(empty)).toEqual(['Loss per step', 'Validation', 'Learning rate per step']);
    expect(empty.match(/no data<\/text>/g)).toHaveLength(3);
    const plain = STEPS.map((row) => ({ ...row, sigmaMean: NaN }));
    expect(charts(trainingReport({ settings: {}, steps: plain, validations: VALIDATIONS, images: [] }))).not.toContain('Sigma per step');
  });

  test('a loss that is no number leaves a gap and does not spoil what follows', () => {
    const steps = STEPS.map((row) => (row.step === 200 ? { ...row, loss: NaN } : row));
    const text = trainingReport({ settings: {}, steps, validations: [], images: [] });
    expect(text).not.toMatch(/[ML]NaN/);
    expect(text).toContain('<td>loss of late</td><td>1.011</td>');
  });

  test('half a million steps make a page of moderate size', () => {
    const many = Array.from({ length: 500_000 }, (_, i) => ({ ...(STEPS[i % 500] as StepRow), step: i + 1 }));
    expect(trainingReport({ settings: {}, steps: many, validations: [], images: [] }).length).toBeLessThan(500_000);
  });
});
