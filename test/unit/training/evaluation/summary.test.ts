import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EpisodeMeter } from '../../../../src/core/mask/metrics.ts';
import { summarize } from '../../../../src/training/evaluation/summary.ts';
import { rowsOf, type MadeUp } from './rows.ts';

const CLASSES = [1, 2, 3].map((id) => ({ id, name: `class ${id}` }));
const summaryOf = (made: readonly MadeUp[]) =>
  summarize({ contestant: { kind: 'everything', name: 'all' }, engines: [], rows: rowsOf(made), classes: CLASSES, seed: 1 });

describe('summarize', () => {
  const made: MadeUp[] = [
    { classId: 1, tp: 30, fp: 10, fn: 20, tn: 40, uncertainty: 0.5 },
    { classId: 2, tp: 5, fp: 0, fn: 5, tn: 90, uncertainty: 0.7 },
    { fold: '1', classId: 3, tp: 0, fp: 0, fn: 10, tn: 90, uncertainty: 0.9 },
    { fold: '1', classId: 3, tp: 10, fp: 0, fn: 0, tn: 90, uncertainty: 0.1 },
  ];
  const summary = summaryOf(made);

  it('knows its figures', () => {
    expect(summary.classes).toEqual([
      { fold: '0', id: 1, name: 'class 1', iou: 50, episodes: 1 },
      { fold: '0', id: 2, name: 'class 2', iou: 50, episodes: 1 },
      { fold: '1', id: 3, name: 'class 3', iou: 50, episodes: 2 },
    ]);
    expect(summary.miou.value).toBeCloseTo(50, 9);
    const [first, second] = summary.folds;
    expect([first?.fold, first?.miou.value]).toEqual(['0', 50]);
    expect(first?.fbIou).toBeCloseTo((100 * (130 / 165 + 35 / 70)) / 2, 9);
    expect(second?.fbIou).toBeCloseTo((100 * (180 / 190 + 10 / 20)) / 2, 9);
    expect(summary.fbIou).toBeCloseTo(((first?.fbIou ?? 0) + (second?.fbIou ?? 0)) / 2, 9);
    expect(summary.milliseconds).toEqual({ total: 1.5 });
    expect(summary.rankCorrelation).toBe(1); // fold 0 has no spread
  });

  it('never mistakes shares of all pixels for rates', () => {
    expect(summary.counts).toEqual({ tp: 45, fp: 10, fn: 35, tn: 310 });
    const { rates, pixelShares } = summary;
    expect(rates.tpr + rates.fnr).toBeCloseTo(1, 12);
    expect(rates.fpr + rates.tnr).toBeCloseTo(1, 12);
    expect(rates.tpr).toBeCloseTo(45 / 80, 12);
    expect(pixelShares).toEqual({ tp: 45 / 400, fp: 10 / 400, fn: 35 / 400, tn: 310 / 400 });
  });

  it('agrees with the benchmark’s own bookkeeping', () => {
    const masks = fc.array(
      fc.record({
        classId: fc.integer({ min: 1, max: 3 }),
        pixels: fc.array(fc.tuple(fc.boolean(), fc.boolean(), fc.boolean()), { minLength: 6, maxLength: 6 }),
      }),
      { minLength: 1, maxLength: 12 },
    );
    fc.assert(
      fc.property(masks, (episodes) => {
        const meter = new EpisodeMeter(4);
        const counted = episodes.map(({ classId, pixels }): MadeUp => {
          const column = (i: 0 | 1 | 2): Uint8Array => Uint8Array.from(pixels, (pixel) => (pixel[i] ? 1 : 0));
          const [prediction, truth, ignore] = [column(0), column(1), column(2)];
          meter.add(classId, prediction, truth, ignore);
          const count = (p: number, t: number): number => prediction.filter((v, i) => v === p && truth[i] === t && !ignore[i]).length;
          return { classId, tp: count(1, 1), fp: count(1, 0), fn: count(0, 1), tn: count(0, 0) };
        });
        const present = [...new Set(episodes.map(({ classId }) => classId))];
        const { miou, fbIou } = summaryOf(counted);
        expect(miou.value).toBeCloseTo(meter.miou(present), 9);
        expect(fbIou).toBeCloseTo(meter.fbIou(present), 9);
      }),
    );
  });

  it('ranks within each fold, by the score and by SAM’s own estimate', () => {
    const row = (fold: string, tp: number, uncertainty: number, samIou: number): MadeUp => ({
      fold,
      tp,
      fn: 100 - tp,
      uncertainty,
      samIou,
    });
    const { rankCorrelation, samRankCorrelation } = summaryOf([
      // Pooled, the easy fold's larger values would look like knowledge.
      ...[row('0', 10, 0.8, 0.1), row('0', 20, 0.9, 0.2), row('0', 30, 1, 0.3)],
      ...[row('1', 70, 0.1, 0.5), row('1', 80, 0.2, 0.6), row('1', 90, 0.3, 0.4)],
    ]);
    expect(rankCorrelation).toBeCloseTo(-1, 9);
    expect(samRankCorrelation).toBeCloseTo((1 - 0.5) / 2, 9);
  });

  it('says nothing of calibration where nobody gives an uncertainty', () => {
    expect(summaryOf([{ tp: 1 }, { tp: 2, fp: 1 }])).not.toHaveProperty('rankCorrelation');
    expect(summaryOf([{ tp: 1 }, { tp: 2, fp: 1 }])).not.toHaveProperty('samRankCorrelation');
  });
});
