/** One trainer per run folder. */
import { mkdir, open, readFile, rm } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { messageOf, ProsamError } from '../core/errors.ts';

interface Holder {
  pid: number;
  host: string;
}

/** Resolves to the release. A lock whose process is gone (it was killed) is taken over. @throws RUN_LOCKED, OUTPUT_FAILED */
export async function lockRun(folder: string): Promise<() => Promise<void>> {
  const path = join(folder, 'run.lock');
  await mkdir(folder, { recursive: true }).catch((cause: unknown) => {
    throw new ProsamError('OUTPUT_FAILED', `${folder}: cannot be made: ${messageOf(cause)}. Name another folder.`, { cause });
  });
  const mine: Holder = { pid: process.pid, host: hostname() };
  for (let attempt = 0; attempt < 2; attempt++) {
    try {
      const handle = await open(path, 'wx');
      await handle.writeFile(JSON.stringify(mine));
      await handle.close();
      return () => rm(path, { force: true });
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code !== 'EEXIST') {
        throw new ProsamError('OUTPUT_FAILED', `${path}: cannot be written: ${messageOf(cause)}. Check the folder.`, { cause });
      }
    }
    const holder = await readHolder(path);
    if (holder && isAlive(holder, mine.host)) {
      throw new ProsamError(
        'RUN_LOCKED',
        `${folder}: process ${holder.pid} on ${holder.host} is training here. Wait for it, or use another folder; if it is gone, delete run.lock.`,
      );
    }
    await rm(path, { force: true });
  }
  throw new ProsamError('RUN_LOCKED', `${folder}: another trainer took the folder at the same moment. Use another folder.`);
}

async function readHolder(path: string): Promise<Holder | undefined> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as Holder;
  } catch {
    return undefined; // half written by a process that was killed
  }
}

/** Of another machine nothing can be known, so its lock stands. */
function isAlive({ pid, host }: Holder, here: string): boolean {
  if (host !== here) return true;
  if (pid === process.pid) return true;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
