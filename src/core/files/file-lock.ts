/** A file that says which process works on something, taken over when that process is gone. */
import { link, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import * as z from 'zod';

const holderSchema = z.object({
  pid: z.int().min(1),
  host: z.string(),
  /** Start time of the process, in seconds since 1970: after a restart a container gives out the same process ids again. */
  started: z.number(),
});
export type LockHolder = z.output<typeof holderSchema>;

/** Clocks are set while a process runs. */
const SAME_START_SECONDS = 5;

export type LockResult = { release: () => Promise<void> } | { holder: LockHolder | undefined };

/**
 * Takes the lock at once, or says who has it (undefined: others take it at this very moment). A lock whose process is gone (it
 * was killed) is taken over. The folder must be there.
 * @throws what the file system throws where the file cannot be written
 */
export async function takeLock(path: string): Promise<LockResult> {
  const mine: LockHolder = { pid: process.pid, host: hostname(), started: Math.round(Date.now() / 1000 - process.uptime()) };
  const own = JSON.stringify(mine);
  for (let attempt = 0; attempt < 3; attempt++) {
    if (await create(path, own)) return { release: () => rm(path, { force: true }) };
    const found = await readFile(path, 'utf8').catch(() => undefined);
    if (found === undefined) continue; // just released
    const holder = holderOf(found);
    if (holder && isAlive(holder, mine)) return { holder };
    await removeStale(path, found);
  }
  return { holder: undefined };
}

/** Whole or not at all, so that nobody reads half a lock. -> false: there is one */
async function create(path: string, content: string): Promise<boolean> {
  const temporary = besides(path);
  try {
    await writeFile(temporary, content);
    await link(temporary, path).catch((cause: unknown) => {
      if ((cause as NodeJS.ErrnoException).code === 'EEXIST') throw cause;
      return writeFile(path, content, { flag: 'wx' }); // not every file system has links
    });
    return true;
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw cause;
  } finally {
    await rm(temporary, { force: true }).catch(() => undefined);
  }
}

/** Longer than anyone takes to remove a file. */
const TURN_MS = 10_000;

/**
 * Removes a lock that is stale. One at a time: whoever has the turn and finds the lock as it was removes no fresh one, because
 * nobody can put another in its place while it is there.
 */
async function removeStale(path: string, stale: string): Promise<void> {
  const turn = `${path}.turn`;
  try {
    await writeFile(turn, '', { flag: 'wx' });
  } catch {
    // Another has it: the next attempt sees what it leaves. A turn that does not end was left by a crash.
    const since = await stat(turn).catch(() => undefined);
    if (since && Date.now() - since.mtimeMs > TURN_MS) await rm(turn, { force: true }).catch(() => undefined);
    return;
  }
  try {
    if ((await readFile(path, 'utf8').catch(() => undefined)) === stale) await rm(path, { force: true });
  } finally {
    await rm(turn, { force: true }).catch(() => undefined);
  }
}

let unique = 0;
function besides(path: string): string {
  return `${path}.${process.pid}.${unique++}`;
}

/** undefined: no lock of this project, such as a file cut off by a crash of the machine. */
function holderOf(text: string): LockHolder | undefined {
  try {
    return holderSchema.parse(JSON.parse(text));
  } catch {
    return undefined;
  }
}

/** Whether the holder runs. Nothing can be known of another machine, so its lock stands. */
function isAlive({ pid, host, started }: LockHolder, mine: LockHolder): boolean {
  if (host !== mine.host) return true;
  if (pid === mine.pid) return Math.abs(started - mine.started) <= SAME_START_SECONDS;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
