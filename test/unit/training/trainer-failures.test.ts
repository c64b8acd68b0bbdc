/** What goes wrong in a run: told clearly, and nothing lost. */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import type * as fsPromises from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { readCheckpoint, writeCheckpoint } from '../../../src/training/loop/checkpoint.ts';
import { train } from '../../../src/training/loop/trainer.ts';
import type * as trainingSteps from '../../../src/training/step/training-step.ts';
import { expectRejection } from '../core/expect-error.ts';
import { checkpointOf, eventsOf, ofType, smallWorld, type SmallWorld } from './small-run.ts';

/** Switches of the stand-ins below. */
const broken = vi.hoisted(() => ({ disk: '', lossAfter: Infinity }));

vi.mock('node:fs/promises', async (original) => {
  const real = await original<typeof fsPromises>();
  const full = () => Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });
  return {
    ...real,
    open: async (path: string, flags: string) => {
      const handle = await real.open(path, flags);
      if (broken.disk === '' || !path.endsWith(`${broken.disk}.tmp`)) return handle;
      return {
        writeFile: async (bytes: Uint8Array) => {
          await handle.writeFile(bytes.subarray(0, 100)); // a part still fits
          throw full();
        },
        sync: () => handle.sync(),
        close: () => handle.close(),
      };
    },
    appendFile: async (path: string, text: string) => {
      if (broken.disk === '' || !path.endsWith(broken.disk)) return real.appendFile(path, text);
      await real.appendFile(path, text.slice(0, text.length / 2));
      throw full();
    },
  };
});

vi.mock('../../../src/training/step/training-step.ts', async (original) => {
  const real = await original<typeof trainingSteps>();
  const trainingStep: typeof real.trainingStep = (...args) => {
    const result = real.trainingStep(...args);
    return broken.lossAfter-- > 0 ? result : { ...result, loss: NaN };
  };
  return { ...real, trainingStep };
});

let world: SmallWorld;
beforeAll(async () => {
  world = await smallWorld();
});
afterAll(() => world.close());
afterEach(() => {
  Object.assign(broken, { disk: '', lossAfter: Infinity });
});

describe('a disk that is full', () => {
  it.each(['checkpoint.safetensors', 'metrics.jsonl'])('leaves the old checkpoint when it cannot take %s', async (file) => {
    const straight = world.options({ maxSteps: 3, checkpointEvery: 1 });
    await eventsOf(straight);
    const options = { ...straight, out: world.out() };
    let saved: Buffer | undefined;
    const run = (async () => {
      for await (const event of train(options)) {
        if (event.type !== 'checkpoint') continue;
        saved = (await checkpointOf(options.out)).bytes;
        broken.disk = file;
      }
    })();
    await expectRejection('OUTPUT_FAILED', run, file, 'no space left');
    expect((await checkpointOf(options.out)).step).toBe(1);
    expect((await checkpointOf(options.out)).bytes.equals(saved as Buffer)).toBe(true);
    expect(readdirSync(options.out).filter((name) => /tmp|lock/.test(name))).toEqual([]);

    broken.disk = '';
    await eventsOf({ ...options, resume: true });
    expect((await checkpointOf(options.out)).bytes.equals((await checkpointOf(straight.out)).bytes)).toBe(true);
    const steps = readFileSync(join(options.out, 'metrics.jsonl'), 'utf8').trim().split('\n');
    expect(steps.map((line) => (JSON.parse(line) as { step: number }).step)).toEqual([1, 2, 3]);
  });
});

describe('a folder that holds something else', () => {
  it.each(['best', 'last'])('called %s is told before anything is trained, and left alone', async (name) => {
    const options = world.options({ maxSteps: 1 });
    mkdirSync(join(options.out, name), { recursive: true });
    writeFileSync(join(options.out, name, 'photo.jpg'), 'original');
    await expectRejection('OUTPUT_TAKEN', eventsOf(options), name, 'photo.jpg');
    expect(readdirSync(options.out)).toEqual([name]);
    expect(readFileSync(join(options.out, name, 'photo.jpg'), 'utf8')).toBe('original');
  });
});

describe('a loss that is not finite', () => {
  it('names the pairs and keeps the last checkpoint and the metrics', async () => {
    const options = world.options({ maxSteps: 9, checkpointEvery: 2 });
    broken.lossAfter = 3;
    await expectRejection(
      'LOSS_NOT_FINITE',
      eventsOf(options),
      'step 4',
      /s\d\d -> s\d\d \(class \d\), s\d\d -> s\d\d/,
      'step 2 is kept',
      'learning rate',
    );
    expect((await checkpointOf(options.out)).step).toBe(2);
    expect(existsSync(join(options.out, 'last'))).toBe(false);
    const rows = readFileSync(join(options.out, 'metrics.jsonl'), 'utf8').trim().split('\n');
    expect(rows).toHaveLength(3); // how it came to this
    const [start] = ofType(await eventsOf({ ...options, resume: true, maxSteps: 2 }), 'start');
    expect([start?.done, start?.history.length]).toEqual([2, 2]);
  });

  it('is found in weights that have exploded, which are not kept', async () => {
    const options = world.options({ maxSteps: 1 });
    await eventsOf(options);
    const state = await readCheckpoint(options.out);
    if (!state) throw new Error('expected a checkpoint');
    state.parameters.get('log_sigma_head.bias')?.data.fill(90); // e^90 is beyond a float32
    await writeCheckpoint(options.out, state);
    const { bytes } = await checkpointOf(options.out);
    await expectRejection('LOSS_NOT_FINITE', eventsOf({ ...options, maxSteps: 3, resume: true }), 'step 2', 'step 1 is kept');
    expect((await checkpointOf(options.out)).bytes.equals(bytes)).toBe(true);
  });

  it('says where there is nothing to keep', async () => {
    broken.lossAfter = 0;
    const options = world.options();
    await expectRejection('LOSS_NOT_FINITE', eventsOf(options), 'step 1', 'no checkpoint');
    expect(readdirSync(options.out).sort()).toEqual(['metrics.jsonl']);
  });
});

describe('a folder that is not this run’s', () => {
  it('holds a run already', async () => {
    const options = world.options({ maxSteps: 1 });
    await eventsOf(options);
    const { bytes } = await checkpointOf(options.out);
    await expectRejection('RUN_INVALID', eventsOf(options), 'run of 1 steps', /resume/i);
    await expectRejection(
      'RUN_INVALID',
      eventsOf({ ...options, lr: 2e-3, samples: 3, clipNorm: 1, resume: true }),
      'lr was 0.001, is now 0.002',
      'samples was 2, is now 3',
      'clipNorm was not set, is now 1',
    );
    await expectRejection('OPTION_INVALID', eventsOf({ ...options, model: join(options.out, 'last'), resume: true }), 'last');
    expect((await checkpointOf(options.out)).bytes.equals(bytes)).toBe(true);
  });

  it('holds a damaged checkpoint', async () => {
    const options = world.options({ maxSteps: 1 });
    await eventsOf(options);
    const path = join(options.out, 'checkpoint.safetensors');
    const whole = readFileSync(path);
    const refused = (inMessage: string | RegExp): Promise<unknown> =>
      expectRejection('RUN_INVALID', eventsOf({ ...options, resume: true }), options.out, inMessage, 'another folder');
    writeFileSync(path, whole.subarray(0, whole.length - 7));
    await refused('expected a training checkpoint');

    writeFileSync(path, whole);
    const state = await readCheckpoint(options.out);
    if (!state) throw new Error('expected a checkpoint');
    (state.parameters.get('queries')?.data as Float32Array)[3] = NaN;
    await writeCheckpoint(options.out, state);
    await refused('finite');
    for (const group of [state.parameters, state.optimizer.mean, state.optimizer.square]) group.delete('queries');
    await writeCheckpoint(options.out, state);
    await refused('missing: queries');
  });

  it('is being trained in', async () => {
    const options = world.options({ maxSteps: 2 });
    for await (const event of train(options)) {
      if (event.type === 'step') await expectRejection('RUN_LOCKED', eventsOf({ ...options, resume: true }), String(process.pid));
    }
    expect((await checkpointOf(options.out)).step).toBe(2);
  });

  it('was left locked by a process that was killed', async () => {
    const options = world.options({ maxSteps: 1 });
    await eventsOf(options);
    writeFileSync(join(options.out, 'run.lock'), JSON.stringify({ pid: process.pid, host: hostname(), started: 1 }));
    await eventsOf({ ...options, maxSteps: 2, resume: true });
    expect((await checkpointOf(options.out)).step).toBe(2);
  });
});

describe('data and options that do not fit', () => {
  it('leave no folder behind', async () => {
    const out = world.out();
    await expectRejection('OPTION_INVALID', eventsOf(world.options({ out, fold: 7 })), 'fold 7');
    await expectRejection('MODEL_NOT_FOUND', eventsOf(world.options({ out, model: 'no-such-model' })));
    await expectRejection('OPTION_INVALID', eventsOf(world.options({ out, engine: { name: 'wasm', about: '' } })), 'loadTrainingEngine');
    await expectRejection('OPTION_INVALID', eventsOf(world.options({ out, epochs: 99_999, batch: 1, maxSteps: 2 ** 22 })), 'maxSteps');
    await expectRejection('MODEL_NOT_FOUND', eventsOf(world.options({ out, start: join(world.folder, 'nothing.safetensors') })), 'nothing');
    expect(existsSync(out)).toBe(false);
  });

  it('keep what was learned when an image breaks', async () => {
    const episodes = world.dataset.fold(0).trainingEpisodes(0, 321);
    const options = world.options({ maxSteps: 3 });
    const missing = { key: 'gone', file: join(world.folder, 'gone.png') };
    const labels = await world.dataset.labels((episodes[0] as (typeof episodes)[0]).reference);
    const dataset = {
      ...world.dataset,
      labels: () => Promise.resolve(labels),
      fold: () => ({
        ...world.dataset.fold(0),
        trainingEpisodes: () => [...episodes.slice(0, 4), { classId: 1, reference: missing, target: missing }, ...episodes.slice(5)],
      }),
    };
    await expectRejection('FILE_NOT_FOUND', eventsOf({ ...options, dataset }), 'gone.png');
    expect((await checkpointOf(options.out)).step).toBe(2);
  });
});
