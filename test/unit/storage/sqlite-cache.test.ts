/** Pages that connections to a SQLite file keep in memory. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { openSqliteThread } from '../../../src/storage/sqlite/thread.ts';
import { USUAL_TIMEOUTS } from '../../../src/storage/timeouts.ts';

const folder = mkdtempSync(join(tmpdir(), 'prosam-pages-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('a SQLite file', () => {
  it('takes at most 32 MiB of pages in memory for both connections of a service, however large it grows', async () => {
    const writer = await openSqliteThread(join(folder, 'p.db'), { timeouts: USUAL_TIMEOUTS });
    const reader = await openSqliteThread(join(folder, 'p.db'), { timeouts: USUAL_TIMEOUTS, readOnly: true });
    const kibibytes = await Promise.all(
      [writer, reader].map(async (thread) => {
        const { rows } = await thread.run('pragma cache_size');
        return -(rows[0] as { cache_size: number }).cache_size;
      }),
    );
    await Promise.all([writer.close(), reader.close()]);
    for (const one of kibibytes) expect(one).toBeGreaterThan(0);
    expect(kibibytes.reduce((sum, one) => sum + one, 0)).toBeLessThanOrEqual(32 * 1024);
  });
});
