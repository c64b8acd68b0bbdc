/**
 * A whole service in a process of its own that tells, on request, how long it held its event loop up at most: in processor time
 * of its thread, so that what other processes take from it does not count.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { silentLog } from '../../../src/service/ports/log.ts';
import { createServer } from '../../../src/server/create-server.ts';
import { watchBusy } from '../../support/busy-watch.ts';

const folder = mkdtempSync(join(tmpdir(), 'prosam-hostile-'));
const prosam = await createServer({
  model: 'tiny',
  database: join(folder, 'p.db'),
  objects: join(folder, 'objects'),
  port: 0,
  learner: { run: 'external' },
  labelStudio: {},
  cvat: {},
  environment: {},
  logger: silentLog,
});
const url = await prosam.listen();
const busy = watchBusy();

const end = async (): Promise<void> => {
  await prosam.close();
  rmSync(folder, { recursive: true, force: true });
  process.exit(0);
};
// Whoever started it may be killed.
process.on('disconnect', () => void end());
process.on('message', (message) => {
  if (message !== 'longest') return;
  process.send?.({ longestMs: busy.longestMs() });
});
process.send?.({ url });
