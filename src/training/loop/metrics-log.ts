/** metrics.jsonl: one line per step and per validation, cut back to the checkpoint when a run is resumed. */
import { appendFile, readFile, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import { taken, writeDurably } from '../../core/files/write-file.ts';
import { messageOf, ProsamError } from '../../core/common/errors.ts';
import type { StepRow, ValidationRow } from '../report/training-report.ts';

/** Beginning of every row. */
const ROW_START = '{"type":';

export type MetricsRow = ({ type: 'step' } & StepRow) | ({ type: 'validation' } & ValidationRow);

/** JSON has null for what is not finite. */
const metric = z
  .number()
  .nullable()
  .transform((value) => value ?? NaN);
const count = z.int().min(0);
const stepSchema = z.object({
  ...{ type: z.literal('step'), step: count, epoch: count },
  ...{ loss: metric, bce: metric, dice: metric, lr: metric, imagesPerSecond: metric },
  ...{ coarse: metric.optional(), keep: metric.optional(), muCosine: metric.optional() },
  ...{ sigmaMean: metric, sigmaMin: z.number().optional(), sigmaMax: z.number().optional() },
});
const validationSchema = z.object({ type: z.literal('validation'), step: count, epoch: z.number(), miou: metric, fbIou: metric });
const rowSchema = z.discriminatedUnion('type', [stepSchema, validationSchema]);

export interface MetricsLog {
  /** Those of the file when it was opened. */
  rows: readonly MetricsRow[];
  /** All of them or none. @throws OUTPUT_FAILED */
  append(rows: readonly MetricsRow[]): Promise<void>;
}

/** Keeps the rows up to `step`. @throws OUTPUT_FAILED, OUTPUT_TAKEN for a file without such rows */
export async function openMetricsLog(folder: string, step: number): Promise<MetricsLog> {
  const path = join(folder, 'metrics.jsonl');
  const text = await readFile(path, 'utf8').catch(() => '');
  const rows = text.split('\n').flatMap(parseRow);
  if (rows.length === 0 && !isHalfRow(text)) throw taken(path, 'a file that is no log of a training run');
  const kept = rows.filter((row) => row.step <= step);
  const whole = linesOf(kept);
  await writeDurably(path, whole);
  let size = Buffer.byteLength(whole);
  return {
    rows: kept,
    async append(more) {
      const added = linesOf(more);
      try {
        await appendFile(path, added);
        size += Buffer.byteLength(added);
      } catch (cause) {
        await truncate(path, size).catch(() => undefined);
        throw new ProsamError('OUTPUT_FAILED', `${path}: cannot be written: ${messageOf(cause)}. Free some space.`, { cause });
      }
    },
  };
}

function linesOf(rows: readonly MetricsRow[]): string {
  return rows.map((row) => `${JSON.stringify(row)}\n`).join('');
}

/** Whether the text is a partial first row, left by a killed run. */
function isHalfRow(text: string): boolean {
  return !text.includes('\n') && (text.startsWith(ROW_START) || ROW_START.startsWith(text));
}

function parseRow(line: string): MetricsRow[] {
  try {
    const parsed = rowSchema.safeParse(JSON.parse(line));
    return parsed.success ? [parsed.data as MetricsRow] : [];
  } catch {
    return [];
  }
}
