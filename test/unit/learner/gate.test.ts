/** Two versions on the same pairs. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openModel, type Model } from '../../../src/core/checkpoint/model-folder.ts';
import type { FloatTensor } from '../../../src/core/checkpoint/read-tensors.ts';
import { seededRandom } from '../../../src/core/common/random.ts';
import { modelFolder } from '../../../src/core/runtime/node/open-engine.ts';
import { chooseMasks } from '../../../src/learner/choose-masks.ts';
import { judge } from '../../../src/learner/gate-decision.ts';
import { measureVersions, type GateOptions } from '../../../src/learner/gate.ts';
import { fetchImages, runFiles } from '../../../src/learner/run-files.ts';
import { storeDataset } from '../../../src/learner/store-dataset.ts';
import { initialParameters } from '../../../src/training/step/parameters.ts';
import type { EncoderPlan } from '../../../src/training/step/encoder-plan.ts';
import { expectRejection } from '../core/expect-error.ts';
import { PROJECT, smallProject, type SmallProject } from './small-project.ts';

const RULE = { margin: 0.01, labelMargin: 0.05, minLabelPairs: 3 };

let world: SmallProject;
let model: Model;
let options: Omit<GateOptions, 'versions'>;
beforeAll(async () => {
  world = await smallProject();
  await world.annotate(10);
  model = await openModel(modelFolder('tiny'));
  const choice = { upTo: 1e9, learnedUpTo: -1, gateShare: 0.25, maxMasks: 100, gatePairs: 100, seed: 1 };
  const { masks } = await chooseMasks(world.storage.store, PROJECT, choice);
  const files = runFiles(world.folder, 'r');
  const paths = await fetchImages(world.storage.blobs, files, masks, new AbortController().signal);
  const fileOf = (sha256: string): string => paths.get(sha256) as string;
  options = {
    ...{ model, plan: model.manifest.prompt_encoder as EncoderPlan, pairs: 100, seed: 1, device: 'cpu', threads: 0 },
    dataset: storeDataset({ project: PROJECT, masks, replayShare: 0.5, episodes: 4, fileOf }),
    ...{ featureBytes: 2 ** 26, cache: { folder: files.features, bytes: 2 ** 28 }, onPair: () => undefined },
    signal: new AbortController().signal,
  };
});
afterAll(() => world.close());

const own = (): ReadonlyMap<string, FloatTensor> => model.promptEncoder as ReadonlyMap<string, FloatTensor>;
const untrained = (): ReadonlyMap<string, FloatTensor> => initialParameters(options.plan.config, seededRandom(1));

describe('measureVersions', () => {
  it('answers every pair with either version, whichever comes first', async () => {
    const told: string[] = [];
    const rows = await measureVersions({
      ...options,
      versions: { current: own(), candidate: untrained() },
      onPair: (done, total) => told.push(`${done}/${total}`),
    });
    if (!rows) throw new Error('expected figures');
    expect(rows.length).toBeGreaterThanOrEqual(4);
    expect(told.at(-1)).toBe(`${rows.length}/${rows.length}`);
    const { promote, reason, metrics } = judge(rows, RULE);
    expect(promote, reason).toBe(false);
    expect(metrics.current).toBeGreaterThan(metrics.candidate + 0.02);

    const swapped = await measureVersions({ ...options, versions: { current: untrained(), candidate: own() } });
    expect(swapped?.map(({ current, candidate }) => [candidate, current])).toEqual(
      rows.map(({ current, candidate }) => [current, candidate]),
    );
    expect(judge(swapped ?? [], { ...RULE, labelMargin: 1 }).promote).toBe(true);
  });

  it('finds a version as good as itself', async () => {
    const rows = await measureVersions({ ...options, versions: { current: own(), candidate: new Map(own()) } });
    expect(rows?.every(({ current, candidate }) => current === candidate)).toBe(true);
    expect(judge(rows ?? [], { ...RULE, margin: 0, labelMargin: 0 }).promote).toBe(true);
  });

  it('ends between two pairs, and refuses weights of another network', async () => {
    const stop = new AbortController();
    const versions = { current: own(), candidate: own() };
    let pairs = 0;
    const onPair = (): void => {
      pairs++;
      stop.abort();
    };
    expect(await measureVersions({ ...options, versions, signal: stop.signal, onPair })).toBeUndefined();
    expect(pairs).toBe(1);
    const strange = new Map([...own()].filter(([name]) => name !== 'queries'));
    const measuring = measureVersions({ ...options, versions: { current: own(), candidate: strange } });
    await expectRejection('CHECKPOINT_MISMATCH', measuring, 'candidate', 'queries');
  });
});
