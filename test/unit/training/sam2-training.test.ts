/** Training on SAM 2: losses that fall, gradients that are slopes, runs that go on, models that mask as the trainer saw it. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseSafetensors } from '../../../src/core/checkpoint/formats/safetensors.ts';
import { normal, seededRandom } from '../../../src/core/common/random.ts';
import type { SamConfig } from '../../../src/core/networks/config.ts';
import { geometryOf } from '../../../src/core/image/geometry.ts';
import { preprocessOf } from '../../../src/core/onnx/networks.ts';
import { openEngine } from '../../../src/core/runtime/node/open-engine.ts';
import { batchOf, type PreparedPair } from '../../../src/training/batches/pairs.ts';
import { openRun, type OpenRun } from '../../../src/training/loop/open-run.ts';
import { train } from '../../../src/training/loop/trainer.ts';
import { drawStep, trainingStep } from '../../../src/training/step/training-step.ts';
import { trainSettings } from '../../../src/training/train-options.ts';
import type { Episode } from '../../../src/training/types.ts';
import { SMALL_SAM2, writeSam2Folder } from '../core/sam2/sam2-folder.ts';
import { checkpointOf, ENGINE_NAME, eventsOf, lossesOf, ofType, smallWorld, withEpisodes, type SmallWorld } from './small-run.ts';

/** As large as the images of the small world, so that nothing is resized between the loss and an answer. */
const CONFIG: SamConfig = { ...SMALL_SAM2, imageSize: 64 };

let world: SmallWorld;
const models = { sam: '', dino: '' };
beforeAll(async () => {
  world = await smallWorld();
  for (const backbone of ['sam', 'dino'] as const) {
    const options = { backbone, config: CONFIG, withPromptEncoder: backbone === 'dino' } as const;
    models[backbone] = await writeSam2Folder(join(world.folder, `model-${backbone}`), options);
  }
});
afterAll(() => world.close());

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
const someEpisodes = (count: number): readonly Episode[] => world.dataset.fold(0).trainingEpisodes(0, 321).slice(0, count);
async function withRun<T>(model: string, work: (run: OpenRun, pairs: readonly PreparedPair[]) => T | Promise<T>): Promise<T> {
  const run = await openRun(trainSettings(world.options({ model })));
  try {
    const pairs: PreparedPair[] = [];
    for (const episode of someEpisodes(2)) pairs.push(await run.pairs(episode, seededRandom(4), 'evaluation'));
    return await work(run, pairs);
  } finally {
    await run.close();
  }
}
/** Prompt vectors of a trained encoder's size. [sets, m, c] */
function prompts({ plan }: OpenRun, sets: number) {
  const random = seededRandom(9);
  const { numPrompts, dim } = plan.config;
  return { data: Float32Array.from({ length: sets * numPrompts * dim }, () => normal(random)), shape: [sets, numPrompts, dim] };
}

describe.each(['sam', 'dino'] as const)(`training on SAM 2 with the backbone %s (${ENGINE_NAME})`, (backbone) => {
  it('fits one pair from scratch', async () => {
    const [one] = someEpisodes(1) as [Episode];
    const dataset = withEpisodes(world.dataset, () => [one, one]);
    const more = { model: models[backbone], dataset, start: 'scratch', maxSteps: 24, epochs: 24, dropout: 0, lr: 5e-3 } as const;
    const losses = lossesOf(await eventsOf(world.options({ ...more, schedule: 'cosine' })));
    expect(losses).toHaveLength(24);
    expect(mean(losses.slice(-3))).toBeLessThan(0.9 * mean(losses.slice(0, 3)));
  });

  it('goes on to the same bits, and sees the same out of the folder of features', async () => {
    const fresh = { model: models[backbone], cacheDir: join(world.folder, `features-${backbone}`) };
    const more = { ...fresh, maxSteps: 4, validationPairs: 2, checkpointEvery: 1, dropout: 0.2, augmentation: { flip: true } };
    const straight = world.options(more);
    const losses = lossesOf(await eventsOf(straight));
    const names = readdirSync(fresh.cacheDir).map((file) =>
      [...parseSafetensors(readFileSync(join(fresh.cacheDir, file)), file).tensors.keys()].sort(),
    );
    expect(names).toContainEqual(backbone === 'sam' ? ['high', 'highRes0', 'highRes1', 'mid'] : ['embedding', 'highRes0', 'highRes1']);

    const pieces = world.options({ ...more, resume: true });
    for await (const event of train(pieces)) if (event.type === 'step' && event.row.step === 2) break;
    expect((await checkpointOf(pieces.out)).step).toBe(2);
    const rest = await eventsOf(pieces);
    expect(lossesOf(rest)).toEqual(losses.slice(2));
    // DINOv2 looks at a masked reference once more in every process.
    if (backbone === 'sam') expect(ofType(rest, 'step').map(({ frozenShare }) => frozenShare)).toEqual([0, 0]);
    expect((await checkpointOf(pieces.out)).bytes.equals((await checkpointOf(straight.out)).bytes)).toBe(true);
  });

  it('gives the same numbers however many samples are decoded at once', () =>
    withRun(models[backbone], (run, pairs) => {
      const distribution = { kind: 'student_t', nu: 5, n: run.plan.config.dim } as const;
      const { noise, channelFactors } = drawStep(run.plan.config, distribution, 4, 2, seededRandom(5));
      const settings = { encoder: run.plan.config, distribution };
      const batch = batchOf(pairs, run.features.square, channelFactors);
      expect(batch.image.highRes0?.shape).toEqual([2, 256, 4]);
      const at = (chunk: number) => trainingStep(run.tf, run.decoder, { ...settings, chunk }, run.state.parameters, batch, noise);
      const whole = at(100);
      for (const chunk of [1, 3, 4]) {
        const part = at(chunk);
        expect(part.loss).toBeCloseTo(whole.loss, 5);
        const largest = whole.gradZ.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
        const off = part.gradZ.reduce((most, value, i) => Math.max(most, Math.abs(value - (whole.gradZ[i] as number))), 0);
        expect(off, `chunks of ${chunk}`).toBeLessThan(1e-3 * largest);
      }
    }));

  it('takes the loss on the masks that the engine draws', () =>
    withRun(models[backbone], async (run, pairs) => {
      const { model, networks, decoder, features } = run;
      const [{ target, truth }] = pairs as [PreparedPair];
      const square = { data: Float32Array.from(truth), shape: [1, features.square, features.square] };
      const targets = decoder.targets(target, square);
      const z = prompts(run, 1);
      const seen = targets.logits(z);
      targets.dispose();
      const { logits } = await networks.decodePrompts(target, z);
      const side = logits.shape[3] as number;
      const drawn = geometryOf(preprocessOf(model)).toSquare({ data: logits.data, width: side, height: side });
      expect(seen).toHaveLength(drawn.data.length);
      expect(Math.max(...seen.map((value, i) => Math.abs(value - (drawn.data[i] as number))))).toBeLessThan(1e-4);
    }));

  it('follows the slope of the loss along every prompt', () =>
    withRun(models[backbone], (run, pairs) => {
      const image = batchOf(pairs, run.features.square, undefined);
      const targets = run.decoder.targets(image.image, image.truth);
      const z = prompts(run, 4);
      const { gradient } = targets.lossAndGradient(z);
      const lossAt = (i: number, step: number): number => {
        const data = z.data.slice();
        data[i] = (data[i] as number) + step;
        const { bce, dice } = targets.loss({ ...z, data });
        return mean(bce.map((value, row) => value + (dice[row] as number)) as unknown as number[]);
      };
      const set = z.data.length / 4;
      // Of every set, the coordinates along which the loss changes most: the others drown in what 32 bits leave out. Longer steps meet ReLU's kinks.
      for (let row = 0; row < 4; row++) {
        const own = [...gradient.keys()].slice(row * set, (row + 1) * set);
        const steepest = own.sort((a, b) => Math.abs(gradient[b] as number) - Math.abs(gradient[a] as number)).slice(0, 4);
        for (const i of steepest) {
          const slope = (lossAt(i, 0.002) - lossAt(i, -0.002)) / 0.004;
          expect(Math.abs(slope - (gradient[i] as number)), `coordinate ${i}`).toBeLessThan(0.01 * Math.abs(slope) + 3e-5);
        }
      }
      targets.dispose();
    }));
});

describe(`a model of a run on SAM 2 (${ENGINE_NAME})`, () => {
  it('masks in the engine what the trainer saw when it validated', async () => {
    const out = world.out();
    const events = await eventsOf(world.options({ model: models.sam, out, maxSteps: 6, validationPairs: 4, lr: 5e-3 }));
    const { examples } = ofType(events, 'validation').at(-1) as (typeof events)[number] & { type: 'validation' };
    expect(examples.length).toBeGreaterThan(0);
    const engine = await openEngine({ model: join(out, 'last'), device: 'cpu' });
    for (const { episode, mask: seen } of examples) {
      const { data, width, height } = await world.dataset.labels(episode.reference);
      const mask = { data: data.map((label) => Number(label === episode.classId)), width, height };
      const options = { method: 'prosam', strategy: 'mean_prompt' } as const;
      const { masks } = await engine.predict(episode.target.file, [{ image: episode.reference.file, mask }], options);
      expect(masks[0]?.mask.data).toEqual(seen.data);
      const drawn = seen.data.filter((value) => value === 1).length;
      expect(drawn).toBeGreaterThan(0);
      expect(drawn).toBeLessThan(64 * 64);
      expect((await engine.refine(episode.target.file, { points: [[30, 30]] })).masks[0]?.objectScore).toBeGreaterThan(0);
    }
    await engine.close();
  });
});
