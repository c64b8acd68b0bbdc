/** The account at the end of a run: every target and every file that was left out, in one table, for people and as JSON. */
import type { AnyProsamError } from '../../core/common/errors.ts';
import type { Notice } from '../../core/common/notice.ts';
import { adviceFor } from '../../core/image/file-kinds.ts';
import { textTable } from '../common/text-table.ts';
import { LEFT_OUT, type LeftOut } from './folder-images.ts';

export interface Totals {
  done: number;
  kept: number;
  /** Kept ones that somebody changed since. */
  changed: number;
  failures: { file: string; code: AnyProsamError['code'] | 'FAILED' }[];
  /** Notices about targets. */
  notices: { file: string; notice: Notice }[];
}

interface Row {
  count: number;
  example: string;
  advice?: string;
}

/** Counts by a word, in the order of the words. */
function grouped<T extends { file: string }>(all: readonly T[], wordOf: (one: T) => string): [string, Row][] {
  const groups = new Map<string, Row>();
  for (const one of all) {
    const found = groups.get(wordOf(one));
    if (found) found.count++;
    else groups.set(wordOf(one), { count: 1, example: one.file });
  }
  return [...groups].sort(([a], [b]) => (a < b ? -1 : 1));
}

const counts = (rows: readonly [string, Row][]): Record<string, number> =>
  Object.fromEntries(rows.map(([word, { count }]) => [word, count]));

/** The last line of --json. */
export function summaryJson(targets: number, { done, kept, changed, failures, notices }: Totals, leftOut: readonly LeftOut[]) {
  return {
    summary: {
      ...{ targets, done, kept, changed, failed: failures.length },
      failures: counts(grouped(failures, ({ code }) => code)),
      leftOut: counts(grouped(leftOut, ({ kind }) => kind)),
      notices: counts(grouped(notices, ({ notice }) => notice.code)),
    },
  };
}

/** Lines for people. */
export function closingLines(targets: number, totals: Totals, leftOut: readonly LeftOut[]): string[] {
  const { done, kept, changed, failures, notices } = totals;
  const lines: string[] = [];
  if (kept > 0) lines.push(`${kept} of ${targets} targets were done already and kept; --force makes them again.`);
  if (changed > 0) lines.push(`${changed} of those were changed since they were made; --force leaves them alone, too.`);
  if (failures.length > 0) lines.push(`${failures.length} of ${targets} targets failed.`);
  const taken = failures.filter(({ code }) => code === 'OUTPUT_TAKEN').length;
  if (taken > 0) lines.push(`${taken} of those because something else has the name of their result; it was left as it is.`);
  const made = leftOut.filter(({ kind }) => kind === LEFT_OUT.made).length;
  if (made > 0) lines.push(`${made} files were left out: prosam made them, they are no targets.`);
  const failed = grouped(failures, ({ code }) => code);
  const left = grouped(leftOut, ({ kind }) => kind);
  if (failed.length + left.length > 0) {
    const rows = [
      ...(done > 0 ? [['done', '', `${done}`, '']] : []),
      ...(kept > 0 ? [['kept', '', `${kept}`, '']] : []),
      ...failed.map(([code, { count, example }]) => ['failed', code, `${count}`, example]),
      ...left.map(([kind, { count, example }]) => ['left out', kind, `${count}`, example]),
    ];
    lines.push(textTable({ head: ['files', 'why', 'number', 'such as'], rows }));
  }
  for (const [kind] of left) {
    const advice = adviceFor(kind);
    if (advice !== undefined) lines.push(`${kind}: ${advice}.`);
  }
  for (const [code, { count, example }] of grouped(notices, ({ notice }) => notice.code)) {
    const first = notices.find(({ notice }) => notice.code === code);
    lines.push(`${count} ${count === 1 ? 'target' : 'targets'} with ${code}, such as ${example}: ${first?.notice.message ?? ''}`);
  }
  return lines;
}
