import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { execFile } from 'node:child_process';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { isProsamError } from '../../../../src/core/common/errors.ts';
import { lockRun } from '../../../../src/training/loop/run-lock.ts';
import { expectRejection } from '../../core/expect-error.ts';
import { dyingWithUs } from '../../../support/dies-with-us.ts';

const run = promisify(execFile);
const root = mkdtempSync(join(tmpdir(), 'prosam-lock-'));
afterAll(() => {
  rmSync(root, { recursive: true, force: true });
});
let folder = '';
let count = 0;
beforeEach(() => {
  folder = join(root, String(count++));
});
const lock = (): string => join(folder, 'run.lock');

/** The lock that another process has left. */
async function left(holder: object | string): Promise<void> {
  const release = await lockRun(folder);
  writeFileSync(join(folder, 'keep'), '');
  await release();
  writeFileSync(lock(), typeof holder === 'string' ? holder : JSON.stringify(holder));
}

describe('the lock of a run', () => {
  it('lets nobody else in until it is released', async () => {
    const release = await lockRun(folder);
    await expectRejection('RUN_LOCKED', lockRun(folder), String(process.pid), hostname(), 'run.lock');
    await release();
    await (
      await lockRun(folder)
    )();
  });

  it('leaves nothing behind, not even a folder it made for nothing', async () => {
    await (
      await lockRun(folder)
    )();
    expect(existsSync(folder)).toBe(false);
    const release = await lockRun(folder);
    writeFileSync(join(folder, 'checkpoint'), '');
    await release();
    expect(readdirSync(folder)).toEqual(['checkpoint']);
  });

  it('is taken over from a process that is gone', async () => {
    const { stdout } = await run(...dyingWithUs(process.execPath, ['-e', 'console.log(process.pid)']));
    await left({ pid: Number(stdout), host: hostname(), started: 1 });
    const release = await lockRun(folder);
    expect(readFileSync(lock(), 'utf8')).toContain(`"pid":${process.pid}`);
    await release();
  });

  it('is taken over from a process of the same number before a restart', async () => {
    await left({ pid: process.pid, host: hostname(), started: 1_000_000 });
    await (
      await lockRun(folder)
    )();
  });

  it('is not taken over from a process that lives, or from another machine', async () => {
    await left({ pid: process.ppid, host: hostname(), started: 1 });
    await expectRejection('RUN_LOCKED', lockRun(folder), String(process.ppid));
    writeFileSync(lock(), JSON.stringify({ pid: 1, host: 'elsewhere', started: 1 }));
    await expectRejection('RUN_LOCKED', lockRun(folder), 'elsewhere');
  });

  it.each(['', '{"pid":', 'null', '{"pid":-1}', '[]'])('is taken over where the file is damaged: %j', async (text) => {
    await left(text);
    await (
      await lockRun(folder)
    )();
  });

  it('goes to one of many who find a stale lock at once', async () => {
    await left({ pid: process.pid, host: hostname(), started: 1 });
    const results = await Promise.allSettled(Array.from({ length: 20 }, () => lockRun(folder)));
    const winners = results.filter(({ status }) => status === 'fulfilled');
    expect(winners).toHaveLength(1);
    for (const result of results)
      if (result.status === 'rejected') expect(isProsamError(result.reason) && result.reason.code).toBe('RUN_LOCKED');
    expect(readdirSync(folder).sort()).toEqual(['keep', 'run.lock']);
  });

  it('says so where the folder cannot be made', async () => {
    writeFileSync(join(root, 'file'), '');
    await expectRejection('OUTPUT_FAILED', lockRun(join(root, 'file', 'below')), 'below');
  });
});
