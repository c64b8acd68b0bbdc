/** What every store must do with runs, versions and the pointer to the one in service. */
import { describe, expect, it } from 'vitest';
import type { VersionRecord } from '../../src/service/ports/versions.ts';
import { expectRejection } from '../unit/core/expect-error.ts';
import { hashOf, newProject, openTwice, recordOf, type Place } from './place.ts';

export function runConformance(make: () => Promise<Place>): void {
  describe('runs and versions', () => {
    const { first, second } = openTwice(make);
    const runs = () => first().store.runs;
    const versions = () => first().store.versions;
    let last = 0;
    const newId = () => `id-${++last}-${process.pid}`;
    const claim = (project: string, holder: string, nowMs = 1000) =>
      runs().claim(project, holder, { id: newId(), upTo: 7, leaseMs: 100, nowMs });
    const versionOf = (project: string, more: Partial<VersionRecord> = {}): Omit<VersionRecord, 'number'> => ({
      ...{ id: newId(), project, runId: '', weights: hashOf('w'), model: 'tiny', data: 'd', seed: 2 ** 40, code: '1.0.0', createdMs: 5 },
      ...{ outcome: 'promoted', reason: 'better', metrics: { miou: [0.5, 0.25] } },
      ...more,
    });
    /** Trains and promotes in one go. */
    const trained = async (project: string, more: Partial<VersionRecord> = {}): Promise<string> => {
      const run = await claim(project, 'trainer');
      const version = versionOf(project, {
        ...((await versions().state(project)).current !== undefined && { parent: (await versions().state(project)).current as string }),
        ...more,
      });
      expect(await runs().finish(run?.id ?? '', 'trainer', { state: version.outcome, reason: version.reason, version, nowMs: 2000 })).toBe(
        true,
      );
      return version.id;
    };

    it('belong to one holder until the lease is over', async () => {
      const project = newProject();
      const run = await claim(project, 'a');
      expect(run).toMatchObject({ project, state: 'running', holder: 'a', leaseUntilMs: 1100, upTo: 7, startedMs: 1000, attempts: 1 });
      expect(await claim(project, 'b', 1099)).toBeUndefined();
      expect(await claim(project, 'a', 1099)).toMatchObject({ id: run?.id, leaseUntilMs: 1199, attempts: 2 });
      expect(await claim(project, 'b', 1200)).toMatchObject({ id: run?.id, holder: 'b', attempts: 3, upTo: 7 });
      expect(await runs().list({ project, limit: 10 })).toHaveLength(1);
    });

    it('are lost by a holder that another one took over from', async () => {
      const project = newProject();
      const run = await claim(project, 'a');
      const id = run?.id ?? '';
      expect(await runs().renew(id, 'a', { leaseMs: 100, nowMs: 1050, progress: { step: 3 } })).toBe(true);
      expect(await runs().get(id)).toMatchObject({ leaseUntilMs: 1150, progress: { step: 3 } });
      await claim(project, 'b', 1150);
      expect(await runs().renew(id, 'a', { leaseMs: 100, nowMs: 1160 })).toBe(false);
      await runs().release(id, 'a');
      expect(await runs().finish(id, 'a', { state: 'promoted', reason: 'late', version: versionOf(project), nowMs: 1170 })).toBe(false);
      expect(await versions().list({ project, limit: 5 })).toEqual([]);
      expect(await runs().renew(id, 'b', { leaseMs: 100, nowMs: 1160 })).toBe(true);
      expect(await runs().get(id)).toMatchObject({ holder: 'b', progress: { step: 3 } });
    });

    it('go on at once when given back, and only one runs at a time, ever', async () => {
      const project = newProject();
      const run = await claim(project, 'a');
      await runs().release(run?.id ?? '', 'a');
      expect((await runs().get(run?.id ?? ''))?.holder).toBeUndefined();
      expect(await claim(project, 'b', 1001)).toMatchObject({ id: run?.id, attempts: 2 });
      expect(await runs().finish(run?.id ?? '', 'b', { state: 'failed', reason: 'no disk', nowMs: 1050 })).toBe(true);
      expect(await runs().finish(run?.id ?? '', 'b', { state: 'failed', reason: 'again', nowMs: 1060 })).toBe(false);
      const ended = await runs().get(run?.id ?? '');
      expect(ended).toMatchObject({ state: 'failed', reason: 'no disk', endedMs: 1050 });
      expect(ended?.holder).toBeUndefined();
      const next = await claim(project, 'a', 1100);
      expect(next?.id).not.toBe(run?.id);
      expect((await runs().list({ project, limit: 1 })).map(({ id }) => id)).toEqual([next?.id]);
      expect(await runs().get('nobody')).toBeUndefined();
    });

    it('are claimed by exactly one of many at once', async () => {
      const project = newProject();
      const both = [first(), second()];
      const claims = await Promise.all(
        Array.from({ length: 20 }, (_, i) =>
          (both[i % 2] ?? first()).store.runs.claim(project, `holder${i}`, { id: newId(), upTo: 0, leaseMs: 1000, nowMs: 1 }),
        ),
      );
      expect(claims.filter((one) => one !== undefined)).toHaveLength(1);
      expect(await runs().list({ project, limit: 50 })).toHaveLength(1);
      const id = claims.find((one) => one !== undefined)?.id ?? '';
      const taken = await Promise.all(
        Array.from({ length: 20 }, (_, i) =>
          (both[i % 2] ?? first()).store.runs.claim(project, `later${i}`, { id: newId(), upTo: 0, leaseMs: 1000, nowMs: 5000 }),
        ),
      );
      expect(taken.filter((one) => one !== undefined)).toMatchObject([{ id, attempts: 2 }]);
      const holder = taken.find((one) => one !== undefined)?.holder ?? '';
      const finished = await Promise.all(
        Array.from({ length: 10 }, (_, i) =>
          (both[i % 2] ?? first()).store.runs.finish(id, holder, {
            state: 'promoted',
            reason: 'better',
            version: versionOf(project),
            nowMs: 6000,
          }),
        ),
      );
      expect(finished.filter(Boolean)).toHaveLength(1);
      expect(await versions().list({ project, limit: 5 })).toHaveLength(1);
      expect((await versions().state(project)).revision).toBe(1);
    });

    it('promote their version with the run, once', async () => {
      const project = newProject();
      const one = await trained(project);
      expect(await versions().state(project)).toEqual({ project, revision: 1, current: one });
      const two = await trained(project, { metrics: undefined });
      const rejected = await trained(project, { outcome: 'rejected', reason: 'worse' });
      expect(await versions().state(project)).toEqual({ project, revision: 2, current: two });
      expect(
        (await versions().list({ project, limit: 5 })).map(({ id, number, parent, outcome }) => [id, number, parent, outcome]),
      ).toEqual([
        [rejected, 3, two, 'rejected'],
        [two, 2, one, 'promoted'],
        [one, 1, undefined, 'promoted'],
      ]);
      const [newest] = await runs().list({ project, limit: 1 });
      expect(newest?.state).toMatch(/promoted|rejected/);
      expect(await versions().get(one)).toMatchObject({
        seed: 2 ** 40,
        metrics: { miou: [0.5, 0.25] },
        runId: expect.stringMatching(/^id-/) as string,
      });
      expect((await versions().get(two))?.metrics).toBeUndefined();
      expect(await versions().history(project, 10)).toEqual([
        { project, from: one, to: two, reason: 'better', createdMs: 2000 },
        { project, to: one, reason: 'better', createdMs: 2000 },
      ]);
    });

    it('store a version as rejected whose parent is no longer in service', async () => {
      const project = newProject();
      const one = await trained(project);
      const run = await claim(project, 'slow');
      await versions().promote(project, undefined, 'by hand', 3000);
      const version = versionOf(project, { parent: one });
      expect(await runs().finish(run?.id ?? '', 'slow', { state: 'promoted', reason: 'better', version, nowMs: 4000 })).toBe(true);
      expect(await versions().get(version.id)).toMatchObject({
        outcome: 'rejected',
        number: 2,
        reason: expect.stringContaining(one) as string,
      });
      expect(await runs().get(run?.id ?? '')).toMatchObject({ state: 'rejected', version: version.id });
      expect((await versions().state(project)).current).toBeUndefined();
      expect(await versions().history(project, 1)).toMatchObject([{ from: one, reason: 'by hand' }]);
    });

    it('move the pointer by hand, within the project only', async () => {
      const [project, other] = [newProject(), newProject()];
      const [one, two] = [await trained(project), await trained(project)];
      const foreign = await trained(other);
      expect(await versions().promote(project, one, 'back', 9)).toEqual({ project, revision: 3, current: one });
      expect(await versions().promote(project, one, 'again', 10)).toEqual({ project, revision: 3, current: one });
      expect((await versions().promote(project, undefined, 'own', 11)).current).toBeUndefined();
      expect(await versions().history(project, 2)).toEqual([
        { project, from: one, reason: 'own', createdMs: 11 },
        { project, from: two, to: one, reason: 'back', createdMs: 9 },
      ]);
      await expectRejection('VERSION_NOT_FOUND', versions().promote(project, foreign, 'theirs', 12), foreign, project);
      await expectRejection('VERSION_NOT_FOUND', versions().promote(project, 'none', 'x', 12));
      expect((await versions().state(other)).current).toBe(foreign);
      expect(await versions().list({ project: other, limit: 9 })).toMatchObject([{ number: 1 }]);
    });

    it('know every project that was heard of', async () => {
      const [silent, annotated, running] = [newProject(), newProject(), newProject()];
      await first().store.annotations.accept(recordOf(annotated), []);
      await claim(running, 'a');
      expect(await versions().state(silent)).toEqual({ project: silent, revision: 0 });
      const names = (await versions().projects()).map(({ project }) => project);
      expect(names).toEqual(expect.arrayContaining([annotated, running]));
      expect(names).not.toContain(silent);
      expect(names).toEqual([...names].sort());
    });
  });
}
