/** Which promotions change the name of an answer. */
import { describe, expect, it } from 'vitest';
import { answerVersion, isAnswerVersion } from '../../../src/service/answer-version.ts';
import type { VersionRecord } from '../../../src/service/ports/versions.ts';
import { createSeenVersions } from '../../../src/service/seen-version.ts';

interface Made {
  parent?: string;
  /** Labels, and whether their held-out masks changed. */
  changed?: Record<string, boolean>;
  method?: string;
  baseModel?: string;
}
const MODEL = 'tiny@9a897d329434';
function world(made: Record<string, Made>) {
  const read: string[] = [];
  const seen = createSeenVersions({
    get(id) {
      read.push(id);
      const found = made[id];
      if (found === undefined) return Promise.resolve(undefined);
      const { parent, changed, method = 'auto', baseModel = MODEL } = found;
      const labels = Object.entries(changed ?? {}).map(([label, isChanged]) => ({ label, changed: isChanged }));
      const record = { id, baseModel, ...(parent !== undefined && { parent }), metrics: changed && { gate: { method, labels } } };
      return Promise.resolve(record as unknown as VersionRecord);
    },
  });
  const ask = async (
    encoderVersion: string,
    labels: readonly string[],
    more: Partial<Parameters<typeof seen>[0]> = {},
  ): Promise<string> => {
    const asking = { encoderVersion, method: 'auto' as const, options: undefined, ...more };
    const sets = labels.map((label) => ({ label, hash: `hash of ${label}` }));
    return answerVersion({ model: MODEL, sets, ...asking, seen: await seen({ ...asking, labels }) });
  };
  return { ask, read };
}

describe('the version of an answer after a promotion', () => {
  const chain = {
    'v-1': { changed: { cup: true, jug: false } },
    'v-2': { parent: 'v-1', changed: { cup: false, jug: true } },
    'v-3': { parent: 'v-2', changed: { cup: false, jug: false } },
  };

  it('stays for labels whose masks did not change, through any number of versions', async () => {
    const { ask } = world(chain);
    expect(await ask('v-1', ['jug'])).toBe(await ask('base', ['jug']));
    expect(await ask('v-2', ['cup'])).toBe(await ask('v-1', ['cup']));
    expect(await ask('v-3', ['cup'])).toBe(await ask('v-1', ['cup']));
    expect(await ask('v-3', ['cup', 'jug'])).toBe(await ask('v-2', ['cup', 'jug']));
    expect(await ask('v-3', ['cup'])).toMatch(/\.v-1\.r-/);
  });

  it('changes where a mask of any label changed', async () => {
    const { ask } = world(chain);
    const all = await Promise.all([ask('base', ['cup', 'jug']), ask('v-1', ['cup', 'jug']), ask('v-2', ['cup', 'jug'])]);
    expect(new Set(all).size).toBe(3);
    for (const one of all) expect(isAnswerVersion(one)).toBe(true);
    expect(await ask('v-1', ['cup'])).not.toBe(await ask('base', ['cup']));
  });

  it('changes for labels that were not measured, and for versions without measurements', async () => {
    const { ask } = world({ ...chain, 'v-4': { parent: 'v-3' }, 'v-5': { parent: 'v-unknown', changed: { cup: false } } });
    expect(await ask('v-2', ['fork'])).toMatch(/\.v-2\.r-/);
    expect(await ask('v-4', ['cup'])).toMatch(/\.v-4\.r-/);
    expect(await ask('v-gone', ['cup'])).toMatch(/\.v-gone\.r-/);
    expect(await ask('v-5', ['cup'])).toMatch(/\.v-5\.r-/);
  });

  it('changes for another method than the one measured, for options that choose, and for references of the request', async () => {
    const { ask } = world(chain);
    expect(await ask('v-3', ['cup'], { method: 'prosam' })).toMatch(/\.v-3\.r-/);
    expect(await ask('v-3', ['cup'], { options: { threshold: 0.2 } })).toMatch(/\.v-3\.r-/);
    expect(await ask('v-3', ['cup'], { options: { minArea: 5 } })).toMatch(/\.v-1\.r-/);
    expect(await ask('v-3', ['cup'], { method: 'nearest' })).toBe(await ask('base', ['cup'], { method: 'nearest' }));
  });

  it('changes where the parent belongs to another model, which could not answer', async () => {
    const { ask } = world({ 'v-1': { baseModel: 'small@000000000000' }, 'v-2': { parent: 'v-1', changed: { cup: false } } });
    expect(await ask('v-2', ['cup'])).toMatch(/\.v-2\.r-/);
  });

  it('reads each version once, and none where the model’s own prompt encoder answers', async () => {
    const { ask, read } = world(chain);
    await ask('base', ['cup']);
    expect(read).toEqual([]);
    for (let i = 0; i < 3; i++) await ask('v-3', ['cup', 'jug']);
    expect(read).toEqual(['v-3', 'v-2', 'v-1']);
  });

  it('bears a chain without an end', async () => {
    const { ask } = world({ 'v-1': { parent: 'v-2', changed: { cup: false } }, 'v-2': { parent: 'v-1', changed: { cup: false } } });
    expect(await ask('v-1', ['cup'])).toMatch(/\.v-[12]\.r-/);
  });
});
