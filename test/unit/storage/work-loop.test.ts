/** Workers of a queue hear of new messages when they come, not only when they look again. */
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { openWholeStorage } from '../../../src/storage/open-storage.ts';
import { tableQueue } from '../../../src/storage/sqlite/table-queue.ts';
import { silentLog } from '../../../src/service/ports/log.ts';

/** Longer than a test may take. */
const NEVER_MS = 2 ** 31 - 1;

it('hands a message over at once to a worker of the same process that found none before', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'prosam-wake-'));
  const storage = await openWholeStorage({ database: join(folder, 'prosam.db'), objects: folder });
  const queue = tableQueue(storage.database.connection, silentLog, Date.now, NEVER_MS);
  const got: unknown[] = [];
  let heard = (): void => undefined;
  const stop = await queue.work('wake', (data) => {
    got.push(data);
    heard();
    return Promise.resolve();
  });
  for (let i = 0; i < 5; i++) {
    const handed = new Promise<void>((resolve) => (heard = resolve));
    await queue.send({ name: 'wake', data: i });
    await handed;
  }
  expect(got).toEqual([0, 1, 2, 3, 4]);
  await stop();
  await queue.close();
  await storage.close();
});
