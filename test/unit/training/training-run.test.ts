/** What a run learns and leaves: losses that fall, gradients that do not depend on chunks, models that open. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseManifest } from '../../../src/core/checkpoint/manifest.ts';
import { openModel } from '../../../src/core/checkpoint/model-folder.ts';
import { safetensorsBytes, tensorToWrite } from '../../../src/core/checkpoint/formats/safetensors.ts';
import { openCheckpoint } from '../../../src/core/checkpoint/open-checkpoint.ts';
import { readFloatTensors } from '../../../src/core/checkpoint/read-tensors.ts';
import { openEngine, modelFolder } from '../../../src/core/runtime/node/open-engine.ts';
import { seededRandom } from '../../../src/core/common/random.ts';
import { readCheckpoint } from '../../../src/training/loop/checkpoint.ts';
import { openRun } from '../../../src/training/loop/open-run.ts';
import { batchOf, type PreparedPair } from '../../../src/training/batches/pairs.ts';
import { initialParameters } from '../../../src/training/step/parameters.ts';
import { drawStep } from '../../../src/training/step/training-step.ts';
import { trainSettings } from '../../../src/training/train-options.ts';
import { trainingStep } from '../../../src/training/step/training-step.ts';
import type { Episode } from '../../../src/training/types.ts';
import { ENGINE_NAME, eventsOf, lossesOf, ofType, smallWorld, withEpisodes, type SmallWorld } from './small-run.ts';

let world: SmallWorld;
beforeAll(async () => {
  world = await smallWorld();
});
afterAll(() => world.close());

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
const someEpisodes = (count: number): readonly Episode[] => world.dataset.fold(0).trainingEpisodes(0, 321).slice(0, count);

describe(`learning (${ENGINE_NAME})`, () => {
  it('fits one pair from scratch', async () => {
    const [one] = someEpisodes(1) as [Episode];
    const dataset = withEpisodes(world.dataset, () => [one, one]);
    const losses = lossesOf(
      await eventsOf(world.options({ dataset, start: 'scratch', maxSteps: 24, epochs: 24, dropout: 0, schedule: 'cosine' })),
    );
    expect(losses).toHaveLength(24);
    // Drawn prompts alone move the loss by a few hundredths.
    expect(mean(losses.slice(-3))).toBeLessThan(0.75 * mean(losses.slice(0, 3)));
  });

  it('takes batches of one', async () => {
    expect(lossesOf(await eventsOf(world.options({ batch: 1, maxSteps: 1 }))).every(Number.isFinite)).toBe(true);
  });

  it('gives the same numbers however many samples are decoded at once', async () => {
    const run = await openRun(trainSettings(world.options()));
    const random = seededRandom(4);
    const pairs: PreparedPair[] = [];
    for (const episode of someEpisodes(2)) pairs.push(await run.pairs(episode, random, 'training'));
    const distribution = { kind: 'student_t', nu: 5, n: run.plan.config.dim } as const;
    const { noise, channelFactors } = drawStep(run.plan.config, distribution, 4, 2, random);
    const at = (chunk: number) =>
      trainingStep(
        run.tf,
        run.decoder,
        { encoder: run.plan.config, distribution, chunk },
        run.state.parameters,
        batchOf(pairs, run.features.square, channelFactors),
        noise,
      );
    const whole = at(100);
    for (const chunk of [1, 3, 4]) {
      const part = at(chunk);
      expect(part.loss).toBeCloseTo(whole.loss, 5);
      for (const [name, wanted] of whole.gradients) {
        const largest = wanted.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
        const off = (part.gradients.get(name) as Float32Array).reduce(
          (most, value, i) => Math.max(most, Math.abs(value - (wanted[i] as number))),
          0,
        );
        expect(off, `${name}, chunks of ${chunk}`).toBeLessThan(1e-3 * largest + 1e-9);
      }
    }
    await run.close();
  });

  it('mirrors reference, target, mark and truth together', async () => {
    const run = await openRun(trainSettings(world.options({ augmentation: { flip: true } })));
    const [episode] = someEpisodes(1) as [Episode];
    const plain = await run.pairs(episode, () => 0.6, 'training');
    const flipped = await run.pairs(episode, () => 0.4, 'training');
    const mirrored = (data: Uint8Array): Uint8Array => data.map((_, i) => data[i - (i % 256) + 255 - (i % 256)] as number);
    expect(plain.truth).not.toEqual(flipped.truth);
    expect(flipped.truth).toEqual(mirrored(plain.truth));
    expect(flipped.annotation).toEqual(mirrored(plain.annotation));
    for (const side of ['reference', 'target'] as const) expect(flipped[side].mid.data).not.toEqual(plain[side].mid.data);
    expect((await run.pairs(episode, () => 0.4, 'evaluation')).truth).toEqual(plain.truth);
    await run.close();
  });

  it('survives marks that vanish on the grid, and classes that are not in the image', async () => {
    const points = await eventsOf(world.options({ annotation: 'point', labelReduction: { kind: 'nearest' }, maxSteps: 2 }));
    expect(lossesOf(points).every(Number.isFinite)).toBe(true);

    const [one] = someEpisodes(1) as [Episode];
    const absent = [1, 2, 3, 4].find((id) => id !== one.classId) as number;
    const run = await openRun(trainSettings(world.options({ annotation: 'point', labelReduction: { kind: 'nearest' } })));
    expect((await run.pairs(one, seededRandom(1), 'training')).cells.every((cell) => cell === 0)).toBe(true);
    await run.close();
    const empty = withEpisodes(world.dataset, () => [
      { ...one, classId: absent },
      { ...one, classId: 200 },
    ]);
    for (const annotation of ['box', 'scribble'] as const) {
      const events = await eventsOf(world.options({ dataset: empty, annotation, maxSteps: 1, validationPairs: 2 }));
      expect(lossesOf(events).every(Number.isFinite)).toBe(true);
    }
  });
});

describe(`models of a run (${ENGINE_NAME})`, () => {
  const predictionBy = async (model: string) => {
    const engine = await openEngine({ model, device: 'cpu' });
    const [{ reference, target, classId }] = someEpisodes(1) as [Episode];
    const { data, width, height } = await world.dataset.labels(reference);
    const mask = { data: data.map((label) => Number(label === classId)), width, height };
    const options = { method: 'prosam', strategy: 'mean_prompt' } as const;
    const { masks } = await engine.predict(target.file, [{ image: reference.file, mask }], options);
    await engine.close();
    return masks[0];
  };

  it('open in the engine, belong to their SAM and hold the averaged weights', async () => {
    const out = world.out();
    await eventsOf(world.options({ out, maxSteps: 2, validationPairs: 2, averageDecay: 0.5, nu: 7, labelReduction: { kind: 'any' } }));
    const base = await openModel(modelFolder('tiny'));
    const state = await readCheckpoint(out);
    for (const which of ['best', 'last']) {
      const { manifest } = await openModel(join(out, which));
      expect(manifest.name).toBe(`tiny-${out.split('/').at(-1)}-${which}`);
      expect(manifest.prompt_encoder).toMatchObject({ distribution: 'student_t', nu: 7, label_reduction: { kind: 'any' } });
      expect(manifest.prompt_encoder?.trained_against).toEqual({ sam: base.manifest.files['sam.safetensors'] });
      expect(manifest.known_answer).toBeUndefined();
      const prediction = await predictionBy(join(out, which));
      expect([prediction?.method, prediction?.mask.data.length]).toEqual(['prosam', 64 * 64]);
    }
    const stored = await readFloatTensors(await openCheckpoint(join(out, 'last', 'prompt-encoder.safetensors')));
    for (const [name, { data }] of state?.average ?? []) expect(stored.get(name)?.data).toEqual(data);
    expect(stored.get('queries')?.data).not.toEqual(state?.parameters.get('queries')?.data);

    // And they are models to train on.
    const more = await eventsOf(world.options({ model: join(out, 'last'), maxSteps: 1 }));
    expect(ofType(more, 'start')[0]?.settings['model']).toMatch(/^tiny-run\d+-last@/);
  });

  it('can be VRP-SAM’s: deterministic, without heads', async () => {
    const out = world.out();
    const events = await eventsOf(world.options({ out, distribution: 'deterministic', start: 'scratch', maxSteps: 1 }));
    expect(ofType(events, 'step')[0]?.row.sigmaMean).toBeNaN();
    expect(ofType(events, 'start')[0]?.settings['samples']).toBe(1);
    const manifest = parseManifest(await readFile(join(out, 'last', 'manifest.json'), 'utf8'), 'last');
    expect(manifest.prompt_encoder).toMatchObject({ distribution: 'deterministic', config: { probabilistic: false } });
    expect((await predictionBy(join(out, 'last')))?.method).toBe('prosam');
  });

  it('start from the model, from scratch, from a file and from VRP-SAM', async () => {
    const started = async (start: string) => {
      const [event] = ofType(await eventsOf(world.options({ start, maxSteps: 1 })), 'start');
      return event?.notes.join(' ');
    };
    const { prompt_encoder: encoder } = (await openModel(modelFolder('tiny'))).manifest;
    if (!encoder) throw new Error('expected the built-in encoder');
    const file = join(world.folder, 'own.safetensors');
    const parameters = initialParameters(encoder.config, seededRandom(1));
    const write = (rename: (name: string) => string) =>
      writeFile(
        file,
        safetensorsBytes(
          Object.fromEntries([...parameters].map(([name, { data, shape }]) => [rename(name), tensorToWrite(data, shape)])),
          {},
        ),
      );
    expect(await started('model')).toMatch(/prompt-encoder\.safetensors/);
    expect(await started('scratch')).toMatch(/random/);
    await write((name) => name);
    expect(await started(file)).toMatch(/own\.safetensors$/);
    for (const head of ['mu_head', 'log_sigma_head']) for (const part of ['weight', 'bias']) parameters.delete(`${head}.${part}`);
    await write(vrpSamName);
    expect(await started(file)).toMatch(/own\.safetensors .*no heads.*identity/);
  });
});

/** As VRP-SAM's own checkpoints name them. */
function vrpSamName(name: string): string {
  const first: Record<string, string> = {
    'reduce.weight': 'downsample_query.0.weight',
    'fuse.weight': 'merge_1.0.weight',
    queries: 'transformer_decoder.supp_q_feat.weight',
  };
  const [, side, kind, rest = ''] = /^(ref|tgt)_(cross|self)\.(.*)$/.exec(name) ?? [];
  const layer = `transformer_decoder.transformer_${kind ?? ''}_attention_layers${side === 'ref' ? '_0' : ''}.0.`;
  return first[name] ?? layer + rest.replace('attn.', kind === 'cross' ? 'multihead_attn.' : 'self_attn.');
}
