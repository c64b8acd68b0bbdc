/** The other process: takes what it is told to hold, says "holds", and answers each line it is sent. Without anybody to send any, it ends. */
import { DatabaseSync } from 'node:sqlite';
import { createInterface } from 'node:readline';
import { openWholeStorage } from '../../../src/storage/open-storage.ts';
import { lockProject } from '../../../src/storage/rows/projects.ts';
import { isProsamError } from '../../../src/core/common/errors.ts';
import type { AnnotationRecord } from '../../../src/service/ports/storage.ts';
import type { Hold } from './holder.ts';

/** Ends what was begun. */
interface Held {
  release(): Promise<string>;
  again(): Promise<string>;
}

const say = (word: string): void => void process.stdout.write(`${word}\n`);
const outcomeOf = (work: () => Promise<string>): Promise<string> =>
  work().catch((error: unknown) => (isProsamError(error) ? error.code : String(error)));

async function take(hold: Hold): Promise<Held> {
  if (hold.kind === 'sqlite') {
    const database = new DatabaseSync(hold.file);
    database.exec(`begin ${hold.how}`);
    const release = (): Promise<string> => {
      database.exec('commit');
      return Promise.resolve('kept');
    };
    return { release, again: () => Promise.resolve('nothing') };
  }
  const { database, objects, project } = hold;
  const storage = await openWholeStorage({ database, objects, timeouts: hold.timeouts });
  let end = (): void => undefined;
  const ended = new Promise<void>((resolve) => (end = resolve));
  let locked = (): void => undefined;
  const holding = new Promise<void>((resolve) => (locked = resolve));
  const change = outcomeOf(() =>
    storage.database.connection.transaction().execute(async (transaction) => {
      await lockProject(transaction, project);
      locked();
      await ended;
      await lockProject(transaction, project);
      return 'kept';
    }),
  );
  await holding;
  return {
    release() {
      end();
      return change;
    },
    again: () => outcomeOf(() => storage.store.annotations.accept(recordIn(project), [])),
  };
}

function recordIn(project: string): AnnotationRecord {
  const image = { project, sha256: '0'.repeat(64), width: 40, height: 30 };
  return { project, source: 'holder', externalId: 'of the holder', revision: 1, image, provenance: 'rejected', masks: [], createdMs: 1 };
}

const held = await take(JSON.parse(process.argv[2] ?? '') as Hold);
// Its idle connections must not end it, and nothing may keep it once nobody is there.
const lines = createInterface({ input: process.stdin });
lines.on('line', (word) => void (word === 'release' ? held.release() : held.again()).then(say));
lines.on('close', () => process.exit(0));
say('holds');
