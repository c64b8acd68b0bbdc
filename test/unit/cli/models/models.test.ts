import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openStorage } from '../../../../src/storage/open-storage.ts';
import { weightChanges } from '../../../../src/cli/models/diff.ts';
import { runCli } from '../run-cli.ts';

const folder = mkdtempSync(join(tmpdir(), 'prosam-models-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const models = (...args: string[]) => runCli(['models', ...args], folder);

/** Two versions with the figures a gate would have left. */
beforeAll(async () => {
  const storage = await openStorage({ database: join(folder, 'prosam', 'prosam.db'), objects: join(folder, 'prosam', 'blobs') });
  const weights = await storage.blobs.put(new Uint8Array(readFileSync('models/tiny/prompt-encoder.safetensors')));
  for (const [i, id] of ['v-one', 'v-two'].entries()) {
    const runId = `run-${i}`;
    const gate = {
      pairs: 12,
      current: 0.5 + i / 10,
      candidate: 0.6 + i / 10,
      ...{ decision: 'promote', images: 9, changed: 4, gain: { mean: 0.1, low: 0.02, high: 0.2 } },
      labels: [{ label: 'cup', pairs: 12, accepted: 12 * (i + 1), current: 0.5 + i / 10, candidate: 0.6 + i / 10, changed: i === 1 }],
    };
    await storage.store.runs.claim('cups', 'test', { id: runId, upTo: i, leaseMs: 1000, nowMs: 1000 + i });
    const version = {
      ...{ id, project: 'cups', runId, weights, baseModel: 'tiny', data: 'abc', seed: 7, code: '0', createdMs: 1000 + i },
      ...(i === 1 && { parent: 'v-one' }),
      ...{ outcome: 'promoted' as const, reason: 'better', metrics: { gate } },
    };
    await storage.store.runs.finish(runId, 'test', { state: 'promoted', reason: 'better', version, nowMs: 2000 + i });
  }
  await storage.close();
});

describe('prosam models', () => {
  it('lists versions with their figures and says which one is in service', async () => {
    const { code, stdout } = await models('list');
    expect(code).toBe(0);
    expect(stdout).toMatch(/cups\s+2\s+v-two\s+in service\s+60\.0\s+70\.0\s+12/);
    expect(stdout).toMatch(/cups\s+1\s+v-one\s+promoted\s+50\.0\s+60\.0/);
    const json = JSON.parse((await models('list', '--json', '--project', 'cups')).stdout) as {
      versions: { id: string }[];
      projects: unknown[];
    };
    expect(json.versions.map(({ id }) => id)).toEqual(['v-two', 'v-one']);
    expect(stdout).toContain('cups, cup: after 12 masks 0.60, after 24 0.70');
    expect((await models('list', '--project', 'plates')).stdout).toContain('no versions yet');
  });

  it('shows one with all that is known of it', async () => {
    const { stdout } = await models('show', 'v-two');
    const parts = ['in service', 'better', 'v-one', 'abc', 'v-one -> v-two', '+10.0 (+2.0 to +20.0)'];
    for (const part of parts) expect(stdout).toContain(part);
    expect(stdout).toMatch(/cup\s+24\s+12\s+60\.0\s+70\.0\s+yes\s+-/);
    const missing = await models('show', 'v-none');
    expect([missing.code, missing.stderr]).toEqual([2, expect.stringContaining('VERSION_NOT_FOUND')]);
  });

  it('puts versions into service and takes that back', async () => {
    expect((await models('rollback', '--project', 'cups', '--reason', 'worse')).stdout).toContain('v-one is in service again');
    expect((await models('promote', 'v-two')).stdout).toContain('v-two is in service');
    expect((await models('promote', 'base', '--project', 'cups')).stdout).toContain('base is in service');
    expect((await models('list')).stdout).toMatch(/own prompt encoder \(base\) is in service for: cups/);
    expect((await models('promote', 'base')).code).toBe(2);
    expect((await models('promote', 'v-two', '--project', 'plates')).stderr).toContain('VERSION_NOT_FOUND');
  });

  it('compares two versions', async () => {
    const { stdout } = await models('diff', 'base', 'v-two', '--json');
    const { changes } = JSON.parse(stdout) as { changes: { part: string; change: number; parameters: number }[] };
    expect(changes.length).toBeGreaterThan(5);
    expect(changes.every(({ change }) => change === 0)).toBe(true); // the same weights
    const both = (await models('diff', 'v-one', 'v-two')).stdout;
    for (const part of ['change in %', '+10.0 (+2.0 to +20.0)', 'v-two: 12 held-out pairs, 9 images, 4 masks changed visibly'])
      expect(both).toContain(part);
  });

  it('says how it is used', async () => {
    expect((await models('--help')).stdout).toContain('prosam models rollback');
    for (const args of [['lst'], [], ['show'], ['diff', 'a']]) expect((await models(...args)).code).toBe(2);
  });
});

describe('weightChanges', () => {
  const tensor = (...values: number[]) => ({ data: Float32Array.from(values), shape: [values.length] });
  it('is the length of the change as a share of the length, by part, largest first', () => {
    const one = new Map([['a.weight', tensor(3, 4)], ['b.weight', tensor(1)]]); // prettier-ignore
    const other = new Map([['a.weight', tensor(3, 4)], ['b.weight', tensor(1.5)]]); // prettier-ignore
    expect(weightChanges(one, other)).toEqual([
      { part: 'b', parameters: 1, change: 0.5 },
      { part: 'a', parameters: 2, change: 0 },
    ]);
    expect(() => weightChanges(one, new Map([['a.weight', tensor(3)]]))).toThrow(/a\.weight/);
  });
});
