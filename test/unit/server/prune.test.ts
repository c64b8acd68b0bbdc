/** What the configuration lets go, on this machine too, and when. */
import { mkdtempSync } from 'node:fs';
import { mkdir, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { serverConfig } from '../../../src/server/config.ts';
import { pruneEverything, type PruneReport } from '../../../src/server/prune/prune.ts';
import { startPruning } from '../../../src/server/prune/schedule.ts';
import { silentLog } from '../../../src/service/ports/log.ts';
import { openStorage } from '../../../src/storage/open-storage.ts';
import { runCli } from '../cli/run-cli.ts';

const DAY_MS = 86_400_000;
const NOTHING: PruneReport = { removed: true, items: [] };

describe('pruning as it is configured', () => {
  const folder = mkdtempSync(join(tmpdir(), 'prosam-prune-'));
  const [database, objects] = [join(folder, 'prosam.db'), join(folder, 'blobs')];
  afterAll(() => rm(folder, { recursive: true, force: true }));

  it('removes unused features and files of runs whose rows went, and lists everything with its reason', async () => {
    const settings = serverConfig({
      ...{ cache: join(folder, 'cache'), learner: { workDir: join(folder, 'learner') } },
      prune: { versionDays: 1, runs: 50 },
    });
    const write = async (path: string, daysAgo: number): Promise<void> => {
      await mkdir(join(folder, path, '..'), { recursive: true });
      await writeFile(join(folder, path), 'xyz');
      const seconds = Date.now() / 1000 - daysAgo * 86_400;
      await utimes(join(folder, path), seconds, seconds);
    };
    for (const where of ['cache', 'learner/features']) {
      await write(`${where}/old.features`, 31);
      await write(`${where}/new.features`, 29);
      await write(`${where}/.left.1.0.tmp`, 2);
      await write(`${where}/.now.1.1.tmp`, 0);
      await write(`${where}/not ours`, 99);
    }
    const storage = await openStorage({ database, objects });
    const nowMs = Date.now();
    for (let i = 0; i < 52; i++) {
      await storage.store.runs.claim('p', 'h', { id: `run-${i}`, upTo: 1, leaseMs: 1, nowMs: nowMs - 9 * DAY_MS + i });
      await storage.store.runs.finish(`run-${i}`, 'h', { state: 'failed', reason: '', nowMs: nowMs - 8 * DAY_MS });
    }
    for (const run of ['run-0', 'run-51', "another's"]) await write(`learner/runs/${run}/metrics.jsonl`, 9);

    const listed = await pruneEverything(storage, settings, { remove: false });
    const removed = await pruneEverything(storage, settings, { remove: true });
    expect(removed).toEqual({ ...listed, removed: true });
    await storage.close();
    expect(removed.items.filter(({ count }) => count > 0)).toMatchObject([
      { what: 'runs', count: 2, why: 'ended more than 1 day ago, beyond the newest 50 of a project' },
      { what: 'cached features', count: 4, bytes: 12, why: 'not used for 30 days' },
    ]);
    for (const where of ['cache', 'learner/features'])
      expect((await readdir(join(folder, where))).sort()).toEqual(['.now.1.1.tmp', 'new.features', 'not ours']);
    expect((await readdir(join(folder, 'learner/runs'))).sort()).toEqual(["another's", 'run-51']);
  });

  it('is a command that changes nothing unless told to, and makes no database', async () => {
    const storage = await openStorage({ database, objects });
    await storage.store.signatures.use('over', { nowMs: 1, keepUntilMs: 2 });
    await storage.close();
    const args = ['--database', database, '--objects', objects];
    const listed = await runCli(['prune', ...args], folder);
    expect(listed.code).toBe(0);
    expect(listed.stdout).toMatch(/^Would be removed\n/);
    expect(listed.stdout).toMatch(/signatures +1 +1 kB +over/);
    expect(listed.stdout).toContain('prosam prune --apply');
    for (const count of [1, 0]) {
      const { stdout } = await runCli(['prune', ...args, '--apply', '--json'], folder);
      const { removed, items } = JSON.parse(stdout) as PruneReport;
      expect(removed).toBe(true);
      expect(items.find(({ what }) => what === 'signatures')).toMatchObject({ count });
    }
    const missing = join(folder, 'missing.db');
    expect((await runCli(['prune', '--database', missing], folder)).code).toBe(2);
    expect(await readdir(folder)).not.toContain('missing.db');
  });

  it('happens again and again, also after a failure, until the service closes', async () => {
    const problems: unknown[] = [];
    const turns: (() => void)[] = [];
    let calls = 0;
    const third = new Promise<void>((resolve) => turns.push(resolve));
    const schedule = startPruning({
      ...{ firstMs: 1, everyMs: 1, log: silentLog, onProblem: (error) => problems.push(error) },
      async prune(signal) {
        calls++;
        if (calls === 1) throw new Error('the store is away');
        if (calls < 3) return NOTHING;
        turns[0]?.();
        await new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)));
        return NOTHING;
      },
    });
    // The schedule itself keeps no process alive.
    const alive = setInterval(() => undefined, 1000);
    await third;
    await schedule.close();
    clearInterval(alive);
    expect(calls).toBe(3);
    expect(problems).toHaveLength(1);
  });
});
