/** A worker that dies or hangs: who is told, who notices nothing, and that another takes over. */
import { mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { sceneWith } from '../../../../src/scenes/scene-with.ts';
import { createEngine, isProsamError, type Engine, type EngineOptions, type PixelImage, type Reference } from '../../../../src/index.ts';
import type { EngineWorker } from '../../../../src/core/engine/types.ts';
import { expectRejection } from '../expect-error.ts';
import { SLOW_SAM, slowSam, writeHashedModel } from './hashed-model.ts';
import { runs, until } from './processes.ts';

const folder = mkdtempSync(join(tmpdir(), 'prosam-replacement-'));
const slowModel = join(folder, 'slow');
beforeAll(() => writeHashedModel(slowModel, SLOW_SAM));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const engines: Engine[] = [];
async function open(options: EngineOptions = {}): Promise<{ engine: Engine; worker: EngineWorker }> {
  const engine = await createEngine({ model: slowModel, threads: 1, ...options });
  engines.push(engine);
  return { engine, worker: engine.worker as EngineWorker };
}
afterEach(async () => {
  for (const engine of engines.splice(0)) await engine.close();
});

let seed = 700;
const image = (): PixelImage => sceneWith(31, () => seed++).image;
function signal({ pid }: EngineWorker, name: NodeJS.Signals): void {
  process.kill(pid as number, name);
}
const refusalIn = (outcomes: readonly PromiseSettledResult<unknown>[]): unknown =>
  outcomes.find((outcome) => outcome.status === 'rejected')?.reason;
const codes = (outcomes: readonly PromiseSettledResult<unknown>[]): string[] =>
  outcomes
    .map((outcome) => (outcome.status === 'fulfilled' ? 'done' : isProsamError(outcome.reason) ? outcome.reason.code : 'other'))
    .sort();

describe('a worker that is killed while it computes', () => {
  it('loses that call alone: all others are answered by the next one', async () => {
    const { engine, worker } = await open();
    const first = worker.pid;
    const asked = Array.from({ length: 3 }, () => engine.prepare(image()));
    await until(() => worker.computing);
    signal(worker, 'SIGKILL');
    const outcomes = await Promise.allSettled(asked);
    expect(codes(outcomes)).toEqual(['ENGINE_CRASHED', 'done', 'done']);
    const reason = refusalIn(outcomes);
    expect(reason).toMatchObject({ status: 503, retryAfterMs: 1000 });
    expect(String(reason)).toContain('prepare: expected an answer, but the inference worker was killed by SIGKILL while it computed it.');
    expect(worker).toMatchObject({ ready: true, replacements: 1, problem: 'the inference worker was killed by SIGKILL' });
    expect(worker.pid).not.toBe(first);
    expect(runs(first as number)).toBe(false);
    expect((await engine.prepare(image())).width).toBe(256);
  });

  it('is replaced for those that come later, too, and for a call that is aborted meanwhile nothing is done', async () => {
    const { engine, worker } = await open();
    const abort = new AbortController();
    const given = engine.prepare(image(), { signal: abort.signal });
    await until(() => worker.computing);
    signal(worker, 'SIGKILL');
    abort.abort();
    await expect(given).rejects.toMatchObject({ name: 'AbortError' });
    expect((await engine.prepare(image())).width).toBe(256);
  });

  it('may be closing: calls under way still end, and the process is gone', async () => {
    const { engine, worker } = await open();
    const asked = [engine.prepare(image()), engine.prepare(image())];
    await until(() => worker.computing);
    const closing = engine.close();
    signal(worker, 'SIGKILL');
    expect(codes(await Promise.allSettled(asked))).toEqual(['ENGINE_CRASHED', 'done']);
    await closing;
    expect(worker).toMatchObject({ pid: undefined, ready: false, replacements: 1 });
    await expectRejection('ENGINE_CLOSED', engine.prepare(image()));
  });
});

describe('a worker that hangs', () => {
  it('is stopped in the middle of a network, and the call is told why', async () => {
    const { engine, worker } = await open({ inferenceTimeoutMs: 4000 });
    const first = worker.pid as number;
    const asked = [engine.prepare(image()), engine.prepare(image())];
    await until(() => worker.computing);
    signal(worker, 'SIGSTOP');
    const outcomes = await Promise.allSettled(asked);
    expect(codes(outcomes)).toEqual(['ENGINE_HUNG', 'done']);
    const reason = refusalIn(outcomes);
    expect(String(reason)).toContain('expected every network to finish within 4 s (inferenceTimeoutMs)');
    expect(runs(first)).toBe(false);
    expect(worker.problem).toContain('silent for 4 s');
  });

  it('outside of any network costs no call at all', async () => {
    const { engine, worker } = await open({ model: 'tiny', inferenceTimeoutMs: 10_000 });
    signal(worker, 'SIGSTOP');
    expect((await engine.prepare(image())).width).toBe(256);
    expect(worker.replacements).toBe(1);
  });

  it.each([0, -1, NaN, 2 ** 31])('refuses %s ms as the longest time of a network', async (inferenceTimeoutMs) => {
    await expectRejection('OPTION_INVALID', createEngine({ inferenceTimeoutMs }), 'inferenceTimeoutMs');
  });
});

describe('the worker that takes over', () => {
  it('has the prompt encoders that were loaded beside, without those unloaded', async () => {
    const { engine, worker } = await open({ model: 'tiny' });
    const own = new Uint8Array(readFileSync('models/tiny/prompt-encoder.safetensors'));
    await engine.loadPromptEncoder('kept', own);
    await engine.loadPromptEncoder('gone', own);
    await engine.unloadPromptEncoder('gone');
    const { image: shown, truth } = sceneWith(31, () => 900);
    const reference: Reference = { image: shown, mask: truth };
    const target = image();
    const predict = async (promptEncoder: string) => (await engine.predict(target, [reference], { method: 'prosam', promptEncoder })).masks;
    const before = await predict('kept');
    signal(worker, 'SIGKILL');
    await until(() => worker.replacements === 1);
    expect(await predict('kept')).toEqual(before);
    await expectRejection('VERSION_NOT_FOUND', predict('gone'), 'gone');
  });

  it('is given up for a while where several in a row do not start, and is there again later', async () => {
    const model = join(folder, 'passing');
    await writeHashedModel(model, slowSam(1, 64));
    const { engine, worker } = await open({ model });
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    try {
      renameSync(model, `${model}-away`);
      signal(worker, 'SIGKILL');
      const waited = expectRejection('ENGINE_UNAVAILABLE', engine.prepare(image()), 'model folder', 'in 30 s');
      expect((await waited).retryAfterMs).toBe(30_000);
      const refused = await expectRejection('ENGINE_UNAVAILABLE', engine.prepare(image()));
      expect(refused.retryAfterMs).toBeLessThanOrEqual(30_000);
      expect(worker).toMatchObject({ ready: false, pid: undefined });
      renameSync(`${model}-away`, model);
      vi.advanceTimersByTime(30_000);
      expect((await engine.prepare(image())).width).toBe(256);
      expect(worker.ready).toBe(true);
    } finally {
      vi.useRealTimers();
    }
  });

  it('is not one that would answer from another model', async () => {
    const model = join(folder, 'changing');
    await writeHashedModel(model, slowSam(1, 64));
    const { engine, worker } = await open({ model });
    const before = engine.info;
    const manifest = join(model, 'manifest.json');
    writeFileSync(manifest, readFileSync(manifest, 'utf8').replace('"hashed"', '"another"'));
    signal(worker, 'SIGKILL');
    await expectRejection('ENGINE_UNAVAILABLE', engine.prepare(image()), before.model, 'another@', 'Create a new engine');
    expect(engine.info).toEqual(before);
  });

  it('starts where the folder it began in is gone', async () => {
    const [place, home] = [mkdtempSync(join(tmpdir(), 'prosam-home-')), process.cwd()];
    process.chdir(place);
    const { engine, worker } = await open({ model: slowModel }).finally(() => process.chdir(home));
    rmSync(place, { recursive: true });
    signal(worker, 'SIGKILL');
    expect((await engine.prepare(image())).width).toBe(256);
  });
});
