import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { openMetricsLog, type MetricsRow } from '../../../../src/training/loop/metrics-log.ts';
import { expectRejection } from '../../core/expect-error.ts';

const root = mkdtempSync(join(tmpdir(), 'prosam-metrics-'));
afterAll(() => {
  rmSync(root, { recursive: true, force: true });
});
let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(root, 'run-'));
});
const file = (): string => join(folder, 'metrics.jsonl');
const step = (number: number): MetricsRow => ({
  ...{ type: 'step', step: number, epoch: 0, loss: 1, bce: 0.5, dice: 0.5, sigmaMean: 0.1, sigmaMin: 0.05, sigmaMax: 0.2 },
  ...{ lr: 1e-4, imagesPerSecond: 3 },
});
const validation: MetricsRow = { type: 'validation', step: 2, epoch: 1, miou: 30, fbIou: 60 };

describe('metrics.jsonl', () => {
  it('gives back what was written', async () => {
    const log = await openMetricsLog(folder, 0);
    expect(log.rows).toEqual([]);
    await log.append([step(1), step(2)]);
    await log.append([validation]);
    expect((await openMetricsLog(folder, 2)).rows).toEqual([step(1), step(2), validation]);
    expect(readFileSync(file(), 'utf8').trim().split('\n')).toHaveLength(3);
  });

  it('forgets what came after the checkpoint', async () => {
    await (await openMetricsLog(folder, 0)).append([step(1), step(2), validation, step(3), step(4)]);
    const log = await openMetricsLog(folder, 2);
    expect(log.rows).toEqual([step(1), step(2), validation]);
    await log.append([step(3)]);
    expect((await openMetricsLog(folder, 9)).rows.map((row) => row.step)).toEqual([1, 2, 2, 3]);
  });

  it('reads on over half a line, and over lines of another kind', async () => {
    await (await openMetricsLog(folder, 0)).append([step(1)]);
    appendFileSync(file(), 'null\n{"type":"step","step":-3}\n{"type":"step","step":2,"epo');
    const log = await openMetricsLog(folder, 5);
    expect(log.rows).toEqual([step(1)]);
    await log.append([step(2)]);
    expect((await openMetricsLog(folder, 5)).rows).toEqual([step(1), step(2)]);
  });

  it('leaves a file alone that is no log of a run, but not what a run leaves that was killed over its first row', async () => {
    for (const text of ['my notes', '{"accuracy":0.9}\n', '{"accuracy":0.9}\n{"accuracy":0.95}\n']) {
      writeFileSync(file(), text);
      await expectRejection('OUTPUT_TAKEN', openMetricsLog(folder, 0), 'metrics.jsonl');
      expect(readFileSync(file(), 'utf8')).toBe(text);
    }
    for (const text of ['', '{"ty', '{"type":"step","st']) {
      writeFileSync(file(), text);
      expect((await openMetricsLog(folder, 0)).rows).toEqual([]);
    }
  });

  it('keeps what is not a number as such', async () => {
    const row = { ...step(1), sigmaMean: NaN };
    await (await openMetricsLog(folder, 0)).append([row]);
    expect((await openMetricsLog(folder, 1)).rows).toEqual([row]);
  });

  it('says so where it cannot be written', async () => {
    await expectRejection('OUTPUT_FAILED', openMetricsLog(join(folder, 'missing'), 0), 'metrics.jsonl');
    const log = await openMetricsLog(folder, 0);
    rmSync(file());
    rmSync(folder, { recursive: true });
    writeFileSync(folder, '');
    await expectRejection('OUTPUT_FAILED', log.append([step(1)]), 'metrics.jsonl');
    rmSync(folder);
  });
});
