/** Two versions in the pipeline, on the same images. */
import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openModel, type Model } from '../../../src/core/checkpoint/model-folder.ts';
import { safetensorsBytes, tensorToWrite } from '../../../src/core/checkpoint/formats/safetensors.ts';
import { maskFromCocoRle } from '../../../src/core/mask/rle.ts';
import { iou } from '../../../src/core/mask/metrics.ts';
import { seededRandom } from '../../../src/core/common/random.ts';
import { openEngine, modelFolder } from '../../../src/core/runtime/node/open-engine.ts';
import type { Engine } from '../../../src/core/engine/types.ts';
import { chooseMasks, type Choice } from '../../../src/learner/choose-masks.ts';
import { measureVersions, openPipeline, type GateOptions } from '../../../src/learner/gate.ts';
import { fetchImages, runFiles } from '../../../src/learner/run-files.ts';
import { initialParameters } from '../../../src/training/step/parameters.ts';
import type { EncoderPlan } from '../../../src/training/step/encoder-plan.ts';
import { PROJECT, smallProject, type SmallProject } from './small-project.ts';

let world: SmallProject;
let engine: Engine;
let choice: Choice;
let options: Omit<GateOptions, 'versions'>;
beforeAll(async () => {
  world = await smallProject();
  await world.annotate(10);
  const model: Model = await openModel(modelFolder('tiny'));
  const sizes = { upTo: 1e9, learnedUpTo: -1, gateShare: 0.4, maxMasks: 100, gatePairs: 100, references: 3, seed: 1 };
  choice = await chooseMasks(world.storage.store, PROJECT, sizes);
  const files = runFiles(world.folder, 'r');
  const paths = await fetchImages(world.storage.blobs, files, choice.masks, new AbortController().signal);
  engine = await openPipeline({
    ...{ model, device: 'cpu', threads: 0, featureBytes: 2 ** 26, cache: { folder: files.features, bytes: 2 ** 28 } },
  });
  const { config } = model.manifest.prompt_encoder as EncoderPlan;
  const random = [...initialParameters(config, seededRandom(1))].map(
    ([name, { data, shape }]) => [name, tensorToWrite(data, shape)] as const,
  );
  await engine.loadPromptEncoder('random', safetensorsBytes(Object.fromEntries(random), {}));
  const own = await readFile('models/tiny/prompt-encoder.safetensors');
  await engine.loadPromptEncoder('own', own);
  options = {
    ...{ engine, snapshot: choice, lessons: choice.masks.filter(({ split }) => split === 'gate') },
    ...{ fileOf: (sha256) => paths.get(sha256), method: 'auto', alikeIou: 0.99, onPair: () => undefined },
    signal: new AbortController().signal,
  };
});
afterAll(async () => {
  await engine.close();
  await world.close();
});

describe('measureVersions', () => {
  it('gives what the engine answers with the project’s references, method and threshold included', async () => {
    const told: string[] = [];
    const rows = await measureVersions({
      ...options,
      versions: { current: undefined, candidate: 'random' },
      onPair: (done, total) => told.push(`${done}/${total}`),
    });
    if (!rows) throw new Error('expected figures');
    expect(rows.length).toBeGreaterThanOrEqual(3);
    expect(told.at(-1)).toBe(`${rows.length}/${rows.length}`);
    const other = await openEngine({ model: 'tiny' });
    try {
      for (const { label, target, current, methods } of rows) {
        const references = (choice.asked[target] ?? []).map((id) => {
          const found = choice.references.find((reference) => reference.id === id) as Choice['references'][number];
          return { ...found, image: options.fileOf(found.sha256) as string };
        });
        const { masks } = await other.predict(options.fileOf(target) as string, references);
        const mask = masks.find((one) => one.label === label);
        const truth = choice.masks.find((one) => one.sha256 === target && one.label === label);
        expect(mask?.method).toBe(methods.current);
        expect(iou(mask?.mask.data as Uint8Array, maskFromCocoRle(truth?.rle as never).data)).toBe(current);
      }
    } finally {
      await other.close();
    }
  });

  it('turns round where the versions do', async () => {
    const rows = await measureVersions({ ...options, versions: { current: 'own', candidate: 'random' } });
    const turned = await measureVersions({ ...options, versions: { current: 'random', candidate: 'own' } });
    expect(turned?.map(({ current, candidate, agreement }) => [candidate, current, agreement])).toEqual(
      rows?.map(({ current, candidate, agreement }) => [current, candidate, agreement]),
    );
    expect(rows?.some(({ changed }) => changed)).toBe(true);
  });

  it('sees no change between a version and itself, nor where a method answers that asks no prompt encoder', async () => {
    const same = await measureVersions({ ...options, versions: { current: undefined, candidate: 'own' } });
    expect(same?.every(({ current, candidate, changed }) => current === candidate && !changed)).toBe(true);
    const versions = { current: undefined, candidate: 'random' };
    const nearest = await measureVersions({ ...options, method: 'nearest', versions });
    expect(nearest?.map(({ agreement, changed }) => [agreement, changed])).toEqual(nearest?.map(() => [1, false]));
  });

  it('takes a mask where the label is not for an error, and none for right', async () => {
    const [mask] = choice.masks as [Choice['masks'][number]];
    const { label, sha256, split } = mask;
    const [height, width] = mask.rle.size;
    const lessons = [{ label, sha256, width, height, split }];
    const versions = { current: undefined, candidate: 'own' };
    // The image shows it, so that a mask is found, which is wrong if somebody says that it does not.
    expect(await measureVersions({ ...options, lessons, versions })).toMatchObject([{ absent: true, current: 0, candidate: 0 }]);
  });

  it('ends between two images', async () => {
    const stop = new AbortController();
    let pairs = 0;
    const onPair = (): void => {
      pairs++;
      stop.abort();
    };
    const versions = { current: undefined, candidate: 'own' };
    expect(await measureVersions({ ...options, versions, signal: stop.signal, onPair })).toBeUndefined();
    expect(pairs).toBe(1);
  });

  it('has the prompt encoder read as many references as the service has', async () => {
    const seen: (number | undefined)[] = [];
    const predict: Engine['predict'] = (target, references, more) => {
      seen.push(more?.promptReferences);
      return engine.predict(target, references.slice(0, 1), { method: 'nearest' });
    };
    const watched = { ...options, engine: Object.create(engine, { predict: { value: predict } }) as Engine };
    const versions = { current: undefined, candidate: 'own' };
    const [reference] = choice.references as [Choice['references'][number]];
    for (const count of [5, 6]) {
      const references = Array.from({ length: count }, (_, id) => ({ ...reference, id }));
      const ids = references.map(({ id }) => id);
      const asked = Object.fromEntries(choice.masks.map(({ sha256 }) => [sha256, ids]));
      const snapshot = { ...choice, references, asked };
      for (const method of ['auto', 'prosam'] as const) {
        seen.length = 0;
        await measureVersions({ ...watched, snapshot, versions, method });
        expect(new Set(seen)).toEqual(new Set([count > 5 && method === 'auto' ? 5 : undefined]));
      }
    }
  });
});
