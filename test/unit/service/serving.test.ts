import { describe, expect, it } from 'vitest';
import { silentLog } from '../../../src/service/ports/log.ts';
import type { ProjectState } from '../../../src/service/ports/versions.ts';
import { createServing, type ServingParts } from '../../../src/service/serving.ts';
import { ProsamError } from '../../../src/core/common/errors.ts';
import { versionBefore } from '../../../src/service/rollback.ts';
import { expectRejection } from '../core/expect-error.ts';

/** An engine and a store of versions that do what they are told. */
function surroundings() {
  const loaded = new Set<string>();
  const gates = new Map<string, Promise<void>>();
  const broken = new Set<string>();
  let nowMs = 0;
  const parts = {
    engine: {
      async loadPromptEncoder(id: string) {
        await gates.get(id);
        if (broken.has(id)) throw new Error(`${id} is damaged`);
        if (id === 'of-tiny') throw new ProsamError('PROMPT_ENCODER_MISMATCH', 'expected 472 channels, got 192.');
        loaded.add(id);
      },
      unloadPromptEncoder: (id: string) => Promise.resolve(void loaded.delete(id)),
      info: { model: 'small@2' },
    },
    versions: {
      get: (id: string) => Promise.resolve(id === 'nowhere' ? undefined : { id, project: 'p', weights: 'w', baseModel: 'tiny@1' }),
    },
    blobs: { get: () => Promise.resolve(new Uint8Array(1)) },
    log: silentLog,
    now: () => nowMs,
  } as unknown as ServingParts;
  const hold = (id: string): (() => void) => {
    let open = (): void => undefined;
    gates.set(id, new Promise((resolve) => (open = resolve)));
    return open;
  };
  return { serving: createServing(parts), loaded, broken, hold, later: (ms: number) => (nowMs += ms) };
}
let revision = 0;
/** What the store says, always newer than before. */
const at = (current: string | undefined, seen = ++revision): ProjectState => ({
  ...{ project: 'p', revision: seen },
  ...(current !== undefined && { current }),
});
const who = (version: string, promptEncoder: string | undefined) => Promise.resolve([version, promptEncoder]);
const tick = () => new Promise((resolve) => setTimeout(resolve, 5));

describe('serving', () => {
  it('goes on with the old version until the new one is loaded', async () => {
    const { serving, hold, loaded } = surroundings();
    expect(await serving.use(at(undefined), who)).toEqual(['base', undefined]);
    const open = hold('v1');
    expect(await serving.use(at('v1'), who)).toEqual(['base', undefined]);
    open();
    await tick();
    expect(await serving.use(at('v1'), who)).toEqual(['v1', 'v1']);
    await serving.swapTo(at('v2'));
    expect(serving.state()).toMatchObject([{ project: 'p', encoderVersion: 'v2' }]);
    expect([...loaded]).toEqual(['v2']);
  });

  it('keeps a version loaded while a request that began with it is under way', async () => {
    const { serving, loaded } = surroundings();
    await serving.swapTo(at('v1'));
    let end = (): void => undefined;
    const request = serving.use(at('v1'), async (version) => {
      await new Promise<void>((resolve) => (end = resolve));
      expect(loaded.has('v1')).toBe(true);
      return version;
    });
    await serving.swapTo(at('v2'));
    expect([...loaded].sort()).toEqual(['v1', 'v2']);
    end();
    expect(await request).toBe('v1');
    expect([...loaded]).toEqual(['v2']);
  });

  it('is not misled by somebody who asked the store before the last change', async () => {
    const { serving } = surroundings();
    const before = at('v1');
    await serving.swapTo(before);
    await serving.swapTo(at('v2'));
    expect(await serving.use(before, who)).toEqual(['v2', 'v2']);
    await tick();
    expect(serving.state()).toMatchObject([{ encoderVersion: 'v2' }]);
  });

  it('says which model a version belongs to that was learned on another one', async () => {
    const { serving } = surroundings();
    await expect(serving.swapTo(at('of-tiny'))).rejects.toThrow(/belongs to tiny@1, and this service runs small@2.*PROSAM_MODEL=tiny/);
    expect(await serving.use(at('of-tiny'), who)).toEqual(['base', undefined]);
    expect(serving.problems()).toEqual([expect.stringContaining('PROSAM_MODEL=tiny')]);
  });

  it('answers with the old version where the new one does not load, says why, and tries again later', async () => {
    const { serving, broken, later } = surroundings();
    await serving.swapTo(at('v1'));
    broken.add('v2');
    await expect(serving.swapTo(at('v2'))).rejects.toThrow('damaged');
    expect(await serving.use(at('v2'), who)).toEqual(['v1', 'v1']);
    expect(serving.problems()).toEqual([expect.stringMatching(/version v2 could not be put into service: v2 is damaged.*v1 goes on/)]);
    broken.delete('v2');
    await serving.use(at('v2'), who);
    await tick();
    expect(await serving.use(at('v2'), who)).toEqual(['v1', 'v1']); // too early
    later(60_000);
    await serving.use(at('v2'), who);
    await tick();
    expect(await serving.use(at('v2'), who)).toEqual(['v2', 'v2']);
    expect(serving.problems()).toEqual([]);
  });

  it('asks a version by name without putting it into service, and only of its own project', async () => {
    const { serving, loaded } = surroundings();
    await serving.swapTo(at(undefined));
    expect(await serving.useVersion('p', 'v9', who)).toEqual(['v9', 'v9']);
    expect([...loaded]).toEqual([]);
    expect(await serving.useVersion('p', 'base', who)).toEqual(['base', undefined]);
    await expectRejection('VERSION_NOT_FOUND', serving.useVersion('q', 'v9', who), 'v9');
    await expectRejection('VERSION_NOT_FOUND', serving.useVersion('p', 'nowhere', who));
  });
});

describe('versionBefore', () => {
  const change = (from: string | undefined, to: string | undefined, reason = 'better') => ({
    ...{ project: 'p', reason, createdMs: 0 },
    ...(from !== undefined && { from }),
    ...(to !== undefined && { to }),
  });
  it('undoes one change after another', () => {
    const history = [change(undefined, 'v1'), change('v1', 'v2'), change('v2', 'v3')];
    expect(versionBefore([])).toBeUndefined();
    expect(versionBefore([...history].reverse())).toEqual({ version: 'v2' });
    history.push(change('v3', 'v2', 'rollback: worse'));
    expect(versionBefore([...history].reverse())).toEqual({ version: 'v1' });
    history.push(change('v2', 'v1', 'rollback: worse'), change('v1', undefined, 'rollback: worse'));
    expect(versionBefore([...history].reverse())).toBeUndefined();
    history.push(change(undefined, 'v4'));
    expect(versionBefore([...history].reverse())).toEqual({ version: undefined });
  });
});
