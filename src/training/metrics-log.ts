/** metrics.jsonl: one line per step and per validation, cut back to the checkpoint when a run is resumed. */
import { appendFile, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf, ProsamError } from '../core/errors.ts';
import { writeDurably } from './checkpoint.ts';
import type { StepRow, ValidationRow } from './report/training-report.ts';

export type MetricsRow = ({ type: 'step' } & StepRow) | ({ type: 'validation' } & ValidationRow);

export interface MetricsLog {
  rows: readonly MetricsRow[];
  append(rows: readonly MetricsRow[]): Promise<void>;
}

/** Keeps the rows up to `step`. @throws OUTPUT_FAILED */
export async function openMetricsLog(folder: string, step: number): Promise<MetricsLog> {
  const path = join(folder, 'metrics.jsonl');
  const text = await readFile(path, 'utf8').catch(() => '');
  const rows = text.split('\n').flatMap(parseRow);
  const kept = rows.filter((row) => row.step <= step);
  await writeDurably(path, kept.map((row) => `${JSON.stringify(row)}\n`).join(''));
  return {
    rows: kept,
    async append(more) {
      kept.push(...more);
      await appendFile(path, more.map((row) => `${JSON.stringify(row)}\n`).join('')).catch((cause: unknown) => {
        throw new ProsamError('OUTPUT_FAILED', `${path}: cannot be written: ${messageOf(cause)}. Free some space.`, { cause });
      });
    },
  };
}

/** The last line of a killed run may be half a line. */
function parseRow(line: string): MetricsRow[] {
  try {
    const row = JSON.parse(line) as MetricsRow;
    return typeof row.step === 'number' ? [row] : [];
  } catch {
    return [];
  }
}
