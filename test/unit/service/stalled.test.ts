/** A service over stores that hang, whoever wrote them. */
import { setTimeout as wait } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { silentLog } from '../../../src/service/ports/log.ts';
import { ProsamError } from '../../../src/core/common/errors.ts';
import type { AnnotationStore, Blobs, ImageStore, PredictionRecord } from '../../../src/service/ports/storage.ts';
import { createServiceImages } from '../../../src/service/images.ts';
import { createKeepSoon } from '../../../src/service/keep-soon.ts';
import { createPredictionLog } from '../../../src/service/prediction-log.ts';
import { createReferenceSets } from '../../../src/service/references.ts';
import { createServing, type ServingParts } from '../../../src/service/serving.ts';
import { hashOf } from '../../../src/testing/storage/records.ts';
import { expectRejection } from '../core/expect-error.ts';

const never = <T>(): Promise<T> => new Promise<T>(() => undefined);
const SHA = hashOf('image');

/** Answers that hang as long as they are told to. */
function switchable<T>(good: () => Promise<T>) {
  const state = { hangs: false, calls: 0 };
  const response = (): Promise<T> => {
    state.calls++;
    return state.hangs ? never<T>() : good();
  };
  return { state, response };
}

describe('images', () => {
  it('whose bytes hang are refused to all who wait, and read anew for the next', async () => {
    const { state, response } = switchable(() => Promise.resolve(new Uint8Array(3)));
    const images = createServiceImages({
      images: { get: () => Promise.resolve({ sha256: SHA, width: 1, height: 1 }) } as unknown as ImageStore,
      blobs: { get: response } as unknown as Blobs,
      ...{ limits: {}, now: () => 0, patienceMs: 60 },
    });
    state.hangs = true;
    await Promise.all([
      expectRejection('STORAGE_TIMEOUT', images.bytes('p', SHA), SHA),
      expectRejection('STORAGE_TIMEOUT', images.input('p', { sha256: SHA })),
    ]);
    expect(state.calls).toBe(1);
    const control = new AbortController();
    const leaving = images.stored(SHA, { signal: control.signal });
    control.abort(new Error('gone'));
    await expect(leaving).rejects.toThrow('gone');
    await expectRejection('STORAGE_TIMEOUT', images.bytes('p', SHA));
    state.hangs = false;
    expect(await images.bytes('p', SHA)).toHaveLength(3);
  });
});

describe('references', () => {
  it('that hang are looked for anew', async () => {
    const { state, response } = switchable(() => Promise.resolve([]));
    const sets = createReferenceSets({ candidates: response, concepts: response } as unknown as AnnotationStore, {}, 60);
    state.hangs = true;
    await Promise.all([
      expectRejection('STORAGE_TIMEOUT', sets.of('p', 'cup', 1)),
      expectRejection('STORAGE_TIMEOUT', sets.of('p', 'cup', 1)),
      expectRejection('STORAGE_TIMEOUT', sets.labels('p', 1)),
    ]);
    state.hangs = false;
    expect(await sets.labels('p', 1)).toEqual([]);
    expect((await sets.of('p', 'cup', 1)).masks).toEqual([]);
  });
});

describe('a version', () => {
  it('whose weights hang keeps no project from its answers, and is loaded once they come', async () => {
    const { state, response } = switchable(() => Promise.resolve(new Uint8Array(1)));
    let nowMs = 0;
    const serving = createServing({
      engine: { loadPromptEncoder: () => Promise.resolve(), unloadPromptEncoder: () => Promise.resolve() },
      versions: { get: (id: string) => Promise.resolve({ id, project: 'p', weights: 'w' }) },
      blobs: { get: response },
      ...{ log: silentLog, now: () => nowMs, patienceMs: 60 },
    } as unknown as ServingParts);
    const who = (version: string): Promise<string> => Promise.resolve(version);
    state.hangs = true;
    // The first request waits for it; what answers then is told in the status.
    expect(await serving.use({ project: 'p', revision: 1, current: 'v' }, who)).toBe('base');
    expect(serving.problems().join()).toContain('weights of version v');
    await expectRejection('STORAGE_TIMEOUT', serving.useVersion('p', 'v', who));
    state.hangs = false;
    expect(await serving.useVersion('p', 'v', who)).toBe('v');
    nowMs += 60_000;
    await serving.swapTo({ project: 'p', revision: 2, current: 'v' });
    expect(await serving.use({ project: 'p', revision: 2, current: 'v' }, who)).toBe('v');
    expect(serving.problems()).toEqual([]);
  });
});

describe('what a prediction was made of', () => {
  it('is waited for a little while, and never keeps the prediction', async () => {
    const told: string[] = [];
    const log = { ...silentLog, warn: (_: unknown, message: string) => void told.push(message) };
    const keep = createKeepSoon(log, 40);
    const events: string[] = [];
    await keep('p', () => wait(5).then(() => void events.push('kept')));
    expect(events).toEqual(['kept']);
    await keep('p', () => Promise.reject(new Error('no')));
    expect(told).toHaveLength(1);
    await Promise.all(Array.from({ length: 16 }, () => keep('p', never)));
    // Their images are in memory still: no more are taken.
    await keep('p', () => Promise.resolve(void events.push('too many')));
    expect(events).toEqual(['kept']);
    expect(told).toHaveLength(2);
  });
});

describe('predictions', () => {
  const recordOf = (project: string, sha256: string): PredictionRecord => ({ project, sha256, version: 'v', createdMs: 1, masks: [] });

  it('of one project that is held are written later, those of others now', async () => {
    const written: string[] = [];
    let held = true;
    const images = {
      predicted: (records: readonly PredictionRecord[]) => {
        if (held && records.some(({ project }) => project === 'held')) return Promise.reject(new ProsamError('STORAGE_TIMEOUT', 'held'));
        written.push(...records.map(({ sha256 }) => sha256));
        return Promise.resolve();
      },
    } as unknown as ImageStore;
    const log = createPredictionLog(images, 10, silentLog);
    for (const [project, sha256] of [['held', '1'], ['free', '2'], ['held', '3'], ['other', '4']] as const) log.add(recordOf(project, sha256)); // prettier-ignore
    await log.flush();
    expect(written).toEqual(['2', '4']);
    held = false;
    await log.flush();
    expect(written).toEqual(['2', '4', '1', '3']);
    await log.close();
  });

  it('that can never be written are not tried for ever', async () => {
    let calls = 0;
    const images = { predicted: () => Promise.reject(new Error(`defect ${++calls}`)) } as unknown as ImageStore;
    const log = createPredictionLog(images, 10, silentLog);
    log.add(recordOf('p', '1'));
    await log.flush();
    await log.close();
    expect(calls).toBe(1);
  });
});
