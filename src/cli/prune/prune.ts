/** `prosam prune`: what may go from the store and the disk, listed or removed. */
import { pruneEverything, type PruneReport } from '../../server/prune/prune.ts';
import { EXIT, type Terminal } from '../common/command.ts';
import { parseCommand } from '../common/parse.ts';
import { textTable } from '../common/text-table.ts';
import { requireStore, withStore } from '../models/store.ts';
import { PRUNE } from './spec.ts';

/** Resolves to the exit code. */
export async function pruneCommand(args: readonly string[], { print, warn, signal }: Terminal): Promise<number> {
  const { values } = parseCommand(PRUNE, args);
  await requireStore(values);
  const report = await withStore(values, (storage, settings) =>
    pruneEverything(storage, settings, { remove: values.apply, ...(signal && { signal }) }),
  );
  if (values.json) print(JSON.stringify(report));
  else {
    print(tableOf(report));
    if (report.heldOff !== undefined) warn(`not everything was looked at: ${report.heldOff}. Try again later.`);
    else if (!values.apply && report.items.some(({ count }) => count > 0)) print('Nothing was removed. To remove it: prosam prune --apply');
  }
  return report.heldOff === undefined ? EXIT.ok : EXIT.someFailed;
}

function tableOf({ removed, items }: PruneReport): string {
  const total = items.reduce((sum, { bytes }) => sum + bytes, 0);
  const rows = items.map(({ what, why, count, bytes }) => [what, String(count), bytesText(bytes), why]);
  return textTable({
    caption: removed ? 'Removed' : 'Would be removed',
    head: ['what', 'how many', 'bytes', 'because'],
    rows: [...rows, ['total', '', bytesText(total), '']],
  });
}

function bytesText(bytes: number): string {
  if (bytes < 1e6) return `${Math.ceil(bytes / 1e3)} kB`;
  return bytes < 1e9 ? `${(bytes / 1e6).toFixed(1)} MB` : `${(bytes / 1e9).toFixed(1)} GB`;
}
