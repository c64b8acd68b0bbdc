/** The loop: resuming, validating, ending, and what it costs. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { train } from '../../../../src/training/loop/trainer.ts';
import type { TrainOptions } from '../../../../src/training/train-options.ts';
import { tensorFlowOf } from '../../../../src/training/train-options.ts';
import { checkpointOf, ENGINE_NAME, eventsOf, lossesOf, ofType, smallWorld, withEpisodes, type SmallWorld } from '../small-run.ts';

let world: SmallWorld;
beforeAll(async () => {
  world = await smallWorld();
});
afterAll(() => world.close());

/** Everything that has a memory of its own. */
const EVERYTHING: Partial<TrainOptions> = {
  ...{ annotation: 'mixed', averageDecay: 0.9, clipNorm: 1, augmentation: { flip: true, jitter: 1 }, dropout: 0.2 },
  ...{ maxSteps: 6, validationPairs: 2, checkpointEvery: 2 },
};

interface Row {
  type: string;
  step: number;
  loss?: number;
  miou?: number;
}
/** What is logged, without the time it took. */
function metricsOf(out: string): Row[] {
  const lines = readFileSync(join(out, 'metrics.jsonl'), 'utf8').trim().split('\n');
  return lines.map((line) => ({ ...(JSON.parse(line) as Row), imagesPerSecond: 0 }));
}

/** Trains until `isEnough` of the events, by ending the iteration. */
async function until(options: TrainOptions, isEnough: (step: number) => boolean): Promise<void> {
  for await (const event of train(options)) if (event.type === 'step' && isEnough(event.row.step)) break;
}

describe(`training (${ENGINE_NAME})`, () => {
  it('goes on to the same bits after a signal and after a consumer that left', async () => {
    const straight = world.options(EVERYTHING);
    const whole = await eventsOf(straight);
    expect(ofType(whole, 'end')).toEqual([expect.objectContaining({ reason: 'finished', step: 6 })]);
    expect(ofType(whole, 'checkpoint').map(({ step }) => step)).toEqual([2, 4, 6]);

    const pieces = world.options({ ...EVERYTHING, resume: true });
    const interrupt = new AbortController();
    const first: number[] = [];
    let reason = '';
    for await (const event of train({ ...pieces, signal: interrupt.signal })) {
      if (event.type === 'step') first.push(event.row.step);
      if (first.length === 3) interrupt.abort();
      if (event.type === 'end') reason = event.reason;
    }
    expect([first, reason]).toEqual([[1, 2, 3], 'interrupted']);
    expect((await checkpointOf(pieces.out)).step).toBe(3);
    await until(pieces, (step) => step === 5);
    expect((await checkpointOf(pieces.out)).step).toBe(5);
    const rest = await eventsOf(pieces);
    const [start] = ofType(rest, 'start');
    expect([start?.done, start?.history.length, start?.notes]).toEqual([5, 5, ['resumed after step 5']]);
    expect(lossesOf(rest)).toEqual(lossesOf(whole).slice(5));

    expect((await checkpointOf(pieces.out)).bytes.equals((await checkpointOf(straight.out)).bytes)).toBe(true);
    expect(metricsOf(pieces.out)).toEqual(metricsOf(straight.out));
    for (const model of ['best', 'last']) {
      const weights = (out: string): Buffer => readFileSync(join(out, model, 'prompt-encoder.safetensors'));
      expect(weights(pieces.out).equals(weights(straight.out))).toBe(true);
    }

    // A finished run stays finished, and does not begin anew unasked.
    expect(ofType(await eventsOf(pieces), 'step')).toEqual([]);
    expect((await checkpointOf(pieces.out)).bytes.equals((await checkpointOf(straight.out)).bytes)).toBe(true);
  });

  it('draws other numbers from another seed, and the same from the same', async () => {
    const losses = async (seed: number): Promise<number[]> => lossesOf(await eventsOf(world.options({ seed, maxSteps: 1 })));
    const first = await losses(321);
    expect(await losses(321)).toEqual(first);
    expect(await losses(322)).not.toEqual(first);
  });

  it('runs the frozen networks once an image, also across runs, keeps memory flat, and lets timers run', async () => {
    const tf = tensorFlowOf(world.engine);
    const tensors = tf.memory().numTensors;
    const two = world.dataset.fold(0).trainingEpisodes(0, 321).slice(0, 2);
    const options = { dataset: withEpisodes(world.dataset, () => two), cacheDir: join(world.folder, 'fresh'), maxSteps: 3 };
    const shares: number[] = [];
    const held: number[] = [];
    let turns = 0;
    const counting = setInterval(() => turns++, 1);
    const turnsAtSteps = new Set<number>();
    for await (const event of train(world.options(options))) {
      if (event.type !== 'step') continue;
      turnsAtSteps.add(turns);
      shares.push(event.frozenShare);
      held.push(tf.memory().numTensors);
    }
    clearInterval(counting);
    expect(turnsAtSteps.size).toBe(3); // timers and signals have their turn between steps
    expect(shares[0]).toBeGreaterThan(0.01);
    expect(shares.slice(1)).toEqual([0, 0]); // epochs of one step
    expect(held[2]).toBe(held[1]);
    expect(tf.memory().numTensors).toBe(tensors);

    const again = await eventsOf(world.options(options));
    expect(ofType(again, 'step').map(({ frozenShare }) => frozenShare)).toEqual([0, 0, 0]);
  });

  it('validates after every epoch and at the end, shows the same pairs, and keeps the best', async () => {
    const two = world.dataset.fold(0).trainingEpisodes(0, 321).slice(0, 4);
    const dataset = withEpisodes(world.dataset, () => two); // two steps an epoch
    const out = world.out();
    const events = await eventsOf(world.options({ dataset, out, maxSteps: 5, validationPairs: 3, lr: 0.01 }));
    const validations = ofType(events, 'validation');
    expect(validations.map(({ row }) => [row.step, row.epoch])).toEqual([
      [2, 1],
      [4, 2],
      [5, 2.5],
    ]);
    expect(ofType(events, 'validating').map(({ done, total }) => `${done}/${total}`)).toEqual(
      new Array(3).fill(['1/3', '2/3', '3/3']).flat(),
    );
    const best = Math.max(...validations.map(({ row }) => row.miou));
    expect(ofType(events, 'end')[0]).toMatchObject({
      bestMiou: best,
      bestStep: validations.find(({ row }) => row.miou === best)?.row.step,
    });
    for (const { examples } of validations) {
      expect(examples.map(({ episode }) => episode)).toEqual(validations[0]?.examples.map(({ episode }) => episode));
      for (const { annotation, mask, truth, iou } of examples) {
        expect([annotation.width, mask.height, truth.data.length]).toEqual([256, 256, 256 * 256]);
        expect(annotation.data.includes(1)).toBe(true);
        expect(iou).toBeGreaterThanOrEqual(0);
      }
    }
    const about = (which: string): string => readFileSync(join(out, which, 'manifest.json'), 'utf8');
    expect(about('best')).toContain(`${ofType(events, 'end')[0]?.bestStep} steps on data, fold 0, mask, student_t`);
    expect(about('last')).toContain('5 steps on data');
  });

  it('ends when nothing improves any more, and stays ended', async () => {
    const two = world.dataset.fold(0).trainingEpisodes(0, 321).slice(0, 2);
    // A rate at which nothing changes: the first validation is the best.
    const options = world.options({
      dataset: withEpisodes(world.dataset, () => two),
      lr: 1e-12,
      maxSteps: 20,
      validationPairs: 1,
      patience: 2,
    });
    const [end] = ofType(await eventsOf(options), 'end');
    expect(end).toMatchObject({ reason: 'no improvement', step: 3, bestStep: 1 });
    const more = await eventsOf({ ...options, resume: true });
    expect([ofType(more, 'step').length, ofType(more, 'end')[0]?.reason]).toEqual([0, 'no improvement']);
    const patient = await eventsOf({ ...options, resume: true, patience: 3 });
    expect(ofType(patient, 'end')[0]).toMatchObject({ reason: 'no improvement', step: 4 });
  });

  it('ends a validation at the signal and makes it up later', async () => {
    const interrupt = new AbortController();
    const options = world.options({ maxSteps: 1, validationPairs: 4 });
    const seen: string[] = [];
    for await (const event of train({ ...options, signal: interrupt.signal })) {
      seen.push(event.type === 'end' ? event.reason : event.type);
      if (event.type === 'validating' && event.done === 2) interrupt.abort();
    }
    expect(seen).toEqual(['start', 'step', 'validating', 'validating', 'interrupted']);
    const rest = await eventsOf({ ...options, resume: true });
    expect(ofType(rest, 'validation').map(({ row }) => row.step)).toEqual([1]);
    expect(ofType(rest, 'step')).toEqual([]);
    expect(ofType(rest, 'end')[0]?.reason).toBe('finished');
  });

  it('ends at once where the signal has fired already', async () => {
    const events = await eventsOf(world.options({ signal: AbortSignal.abort() }));
    expect([ofType(events, 'step').length, ofType(events, 'end')[0]?.reason]).toEqual([0, 'interrupted']);
  });

  it('trains longer when asked to, to the same bits', async () => {
    const options = world.options({ maxSteps: 4 });
    await eventsOf(options);
    const short = world.options({ maxSteps: 2 });
    await eventsOf(short);
    await eventsOf({ ...short, maxSteps: 4, resume: true });
    expect((await checkpointOf(short.out)).bytes.equals((await checkpointOf(options.out)).bytes)).toBe(true);
  });

  it('begins where there is nothing to resume, and says so', async () => {
    const out = world.out();
    const [start] = ofType(await eventsOf(world.options({ out, resume: true, maxSteps: 1 })), 'start');
    expect([start?.done, start?.notes[0]]).toEqual([0, expect.stringContaining('no checkpoint')]);
    expect(existsSync(join(out, 'run.lock'))).toBe(false);
  });
});
