import { describe, expect, it } from 'vitest';
import type { LabelReduction } from '../../../../src/core/mask/label-reduction.ts';
import { confusion } from '../../../../src/core/mask/metrics.ts';
import { resizeNearest } from '../../../../src/core/mask/resize-map.ts';
import type { EngineOptions } from '../../../../src/core/runtime/node/open-engine.ts';
import type { Engine, PixelImage, Reference } from '../../../../src/core/engine/types.ts';
import { BASELINES, contestantsOf } from '../../../../src/training/evaluation/entries.ts';
import { evaluate, type EvaluateOptions } from '../../../../src/training/evaluation/evaluate.ts';
import type { Pair } from '../../../../src/training/evaluation/pair.ts';
import type { Evaluation } from '../../../../src/training/evaluation/result.ts';
import { ANNOTATION_MODES, type Dataset, type Episode } from '../../../../src/training/types.ts';
import { expectRejection } from '../../core/expect-error.ts';
import { SCENE_SIZE, sceneBench } from './scene-data.ts';

const bench = sceneBench();

interface Asked {
  model: string;
  target: PixelImage | string;
  reference: Reference;
  seed: number | undefined;
  labelReduction: LabelReduction | undefined;
}

/** The built-in model behind every name, with what it was asked. */
function recorder(): { open: NonNullable<EvaluateOptions['open']>; asked: Asked[]; opened: string[]; closed: string[] } {
  const [asked, opened, closed]: [Asked[], string[], string[]] = [[], [], []];
  const open = ({ model = 'tiny' }: EngineOptions): Promise<Engine> => {
    opened.push(model);
    return Promise.resolve({
      ...bench.engine,
      info: { ...bench.engine.info, model },
      predict(target, references, options) {
        asked.push({
          model,
          target: target as Asked['target'],
          reference: references[0] as Reference,
          seed: options?.seed,
          labelReduction: options?.labelReduction,
        });
        return bench.engine.predict(target, references, options);
      },
      close: () => Promise.resolve(void closed.push(model)),
    });
  };
  return { open, asked, opened, closed };
}

const PROSAM = contestantsOf({ models: ['tiny'], methods: ['prosam'] });
const run = (given: Partial<EvaluateOptions> = {}): Promise<Evaluation> =>
  evaluate({ dataset: bench.dataset, folds: [0], pairs: 4, contestants: [...PROSAM, ...BASELINES], open: recorder().open, ...given });
/** What does not depend on the clock. */
const figures = ({ contestants }: Evaluation): unknown =>
  JSON.parse(JSON.stringify(contestants, (key, value: unknown) => (key === 'milliseconds' ? Object.keys(value as object) : value)));

describe('evaluate', () => {
  it('asks every contestant the same pairs with the same marks', async () => {
    const { open, asked } = recorder();
    const contestants = [...contestantsOf({ models: ['a', 'b'], methods: ['prosam', 'nearest'] }), ...BASELINES];
    const { contestants: results } = await run({ contestants, open, annotation: 'scribble' });
    expect(results.map(({ contestant }) => contestant.name)).toEqual([
      'a: prosam',
      'a: nearest',
      'b: prosam',
      'b: nearest',
      'copied mask',
      'everything foreground',
    ]);
    const pairsOf = (i: number) =>
      results[i]?.episodes.map(({ fold, classId, reference, target }) => ({ fold, classId, reference, target }));
    for (let i = 1; i < results.length; i++) expect(pairsOf(i)).toEqual(pairsOf(0));
    expect(asked).toHaveLength(16);
    for (let pair = 0; pair < 4; pair++) {
      const [first, ...others] = asked.slice(4 * pair, 4 * pair + 4) as [Asked, ...Asked[]];
      for (const other of others) expect({ ...other, model: '' }).toEqual({ ...first, model: '' });
    }
  });

  it('gives one result for one seed, other marks for another', async () => {
    const points = {
      annotation: 'point',
      contestants: contestantsOf({ models: ['tiny'], methods: ['prosam'], strategies: ['mean_logits'] }),
    } as const;
    const once = figures(await run(points));
    expect(figures(await run(points))).toEqual(once);
    expect(figures(await run({ ...points, seed: 5 }))).not.toEqual(once);
  });

  it('reduces marks as the model does unless asked for another way', async () => {
    const { open, asked } = recorder();
    await run({ open, pairs: 1, annotation: 'point' });
    const { settings } = await run({ open, pairs: 1, annotation: 'point', labelReduction: { kind: 'nearest' } });
    expect(asked.map(({ labelReduction }) => labelReduction)).toEqual([undefined, { kind: 'nearest' }]);
    expect(asked.map(({ reference }) => Object.keys(reference))).toEqual([0, 1].map(() => ['image', 'scribble']));
    expect(settings.labelReduction).toEqual({ kind: 'nearest' });
  });

  it('knows the trivial answers exactly', async () => {
    const pairs: Pair[] = [];
    const { contestants } = await run({ size: 'own', onPair: (pair) => void pairs.push(pair) });
    const [, copied, everything] = contestants;
    expect(pairs).toHaveLength(4);
    for (const [i, { episode, ignore }] of pairs.entries()) {
      const labelsOf = async (image: Episode['target']) => (await bench.dataset.labels(image)).data;
      const [reference, target] = [await labelsOf(episode.reference), await labelsOf(episode.target)];
      const object = (labels: Uint8Array): Uint8Array => labels.map((label) => (label === episode.classId ? 1 : 0));
      const ignored = target.map((label) => (label === 255 ? 1 : 0));
      expect(ignore).toEqual(ignored);
      expect(ignored).toContain(1);
      expect(copied?.episodes[i]?.counts).toEqual(confusion(object(reference), object(target), ignored));
      const all = new Uint8Array(target.length).fill(1);
      expect(everything?.episodes[i]?.counts).toEqual(confusion(all, object(target), ignored));
      expect(everything?.episodes[i]?.counts).toMatchObject({ tn: 0, fn: 0 });
    }
    expect(everything).not.toHaveProperty('rankCorrelation');
  });

  it('compares at the network’s size unless told otherwise, and reads the picture there as it is', async () => {
    const { open, asked } = recorder();
    let seen: Pair | undefined;
    let mask: { data: Uint8Array } | undefined;
    const keep: EvaluateOptions['onPair'] = (pair, predictions) => {
      seen = pair;
      mask = predictions[0]?.mask;
    };
    await run({ open, pairs: 1, onPair: keep });
    const { side } = bench.engine.info.input;
    expect(side).toBe(256);
    expect(seen?.truth).toMatchObject({ width: side, height: side });
    expect(asked[0]?.target).toMatchObject({ width: side, height: side, channels: 3 });
    const atOwnSize = await bench.engine.predict(
      (seen as Pair).episode.target.file,
      [{ image: (seen as Pair).episode.reference.file, mask: await ownMask((seen as Pair).episode) }],
      { method: 'prosam' },
    );
    const { data } = atOwnSize.masks[0]?.mask ?? { data: new Uint8Array() };
    const nearest = resizeNearest(data, { width: SCENE_SIZE, height: SCENE_SIZE }, { width: side, height: side });
    const { tp, fp, fn } = confusion((mask as { data: Uint8Array }).data, nearest);
    expect(tp / (tp + fp + fn)).toBeGreaterThan(0.9); // the same answer, but for its edge
    await run({ open, pairs: 1, size: 'own', onPair: keep });
    expect(seen?.truth).toMatchObject({ width: SCENE_SIZE, height: SCENE_SIZE });
    expect(asked.at(-1)?.target).toBe(seen?.episode.target.file);
  });

  it('compares on a square of any size while the network reads its own', async () => {
    const { open, asked } = recorder();
    const pairs: Pair[] = [];
    const { settings, contestants } = await run({ open, size: 64, onPair: (pair) => void pairs.push(pair) });
    expect(settings.size).toBe(64);
    expect(asked.every(({ target }) => (target as PixelImage).width === bench.engine.info.input.side)).toBe(true);
    expect(pairs.map(({ truth }) => [truth.width, truth.height])).toEqual(pairs.map(() => [64, 64]));
    const pixels = contestants.map(({ episodes }) => episodes.map(({ counts: { tp, fp, fn, tn } }) => tp + fp + fn + tn));
    for (const [i, { ignore }] of pairs.entries()) {
      const counted = ignore.filter((value) => value === 0).length;
      expect(pixels.map((one) => one[i])).toEqual(contestants.map(() => counted));
    }
    const usual = await run({ size: 'network' });
    expect(Math.abs((contestants[0]?.miou.value ?? 0) - (usual.contestants[0]?.miou.value ?? 0))).toBeLessThan(3);
    await expectRejection('OPTION_INVALID', run({ size: 0 }), 'size');
  });

  it('prompts the object of each target once, with a box and with clicks that help', async () => {
    const { open } = recorder();
    const { prompts, settings } = await run({ open, folds: [0, 1], pairs: 12, prompts: ['box', 'points'] });
    expect(settings.prompts).toEqual(['box', 'points']);
    const rows = prompts?.rows ?? [];
    // Twelve pairs of a fold show six targets.
    expect(rows.map(({ prompt }) => prompt).filter((prompt) => prompt === 'box')).toHaveLength(12);
    expect(new Set(rows.map(({ fold, target, prompt }) => `${fold} ${target} ${prompt}`)).size).toBe(rows.length);
    for (const { prompt, ious, samIous } of rows) {
      expect([ious.length, samIous.length]).toEqual(prompt === 'box' ? [1, 1] : [6, 6]);
      expect([...ious, ...samIous].every((value) => value >= 0 && value <= 1)).toBe(true);
    }
    const figure = (name: string): number => prompts?.results.find(({ prompt }) => prompt === name)?.iou.value ?? 0;
    expect(figure('box')).toBeGreaterThan(50);
    expect(figure('6 clicks')).toBeGreaterThan(figure('1 click'));
    const again = await run({ open, folds: [0, 1], pairs: 12, prompts: ['box', 'points'] });
    expect(again.prompts).toEqual(prompts);
    expect(await run()).not.toHaveProperty('prompts');
  });

  it.each(ANNOTATION_MODES)('marks references by %s inside the object or its box', async (annotation) => {
    const marks: Pair['annotation'][] = [];
    const { contestants } = await run({ annotation, onPair: ({ annotation }) => void marks.push(annotation) });
    for (const { mask, mode } of marks) {
      expect(mask.data).toContain(1);
      if (annotation !== 'mixed') expect(mode).toBe(annotation);
      if (mode === 'point') expect(mask.data.reduce((sum, value) => sum + value, 0)).toBe(20);
    }
    const [result] = contestants;
    expect(result?.episodes.every(({ uncertainty }) => uncertainty !== undefined && uncertainty >= 0 && uncertainty <= 1)).toBe(true);
    expect(Object.keys(result?.milliseconds ?? {})).toEqual(expect.arrayContaining(['embed', 'decode', 'total']));
  });

  it('counts a mark that reaches no cell as an empty mask, and says so', async () => {
    const nothing: Dataset = {
      ...bench.dataset,
      labels: async (image) => {
        const labels = await bench.dataset.labels(image);
        return image.key.endsWith('-1') ? { ...labels, data: new Uint8Array(labels.data.length) } : labels;
      },
    };
    const { contestants, notes } = await run({ dataset: nothing, pairs: 3 });
    expect(contestants[0]?.unmarked).toBe(1);
    expect(contestants[0]?.episodes.find(({ unmarked }) => unmarked)?.counts).toMatchObject({ tp: 0, fp: 0 });
    expect(notes.join()).toContain('1 of 3 pairs');
  });

  it('asks each fold’s own model where the model’s name says {fold}', async () => {
    const { open, opened, closed } = recorder();
    const contestants = contestantsOf({ models: ['runs/{fold}/model'], methods: ['nearest'] });
    const {
      contestants: [result],
      data,
    } = await run({ folds: [0, 1, 1], contestants, open });
    expect(opened).toEqual(['runs/0/model', 'runs/1/model']);
    expect(closed).toEqual(opened);
    expect(result?.engines.map(({ model }) => model)).toEqual(opened);
    expect(data.folds.map(({ name, pairs }) => [name, pairs])).toEqual([
      ['0', 4],
      ['1', 4],
    ]);
    const [first, second] = result?.folds ?? [];
    expect(result?.miou.value).toBeCloseTo(((first?.miou.value ?? 0) + (second?.miou.value ?? 0)) / 2, 9);
  });

  it('tells who reads another size, and which classes no pair shows', async () => {
    const open = async (options: EngineOptions): Promise<Engine> => {
      const made = await recorder().open(options);
      return options.model === 'b' ? { ...made, info: { ...made.info, input: { side: 512, resize: 'stretch' } } } : made;
    };
    const contestants = contestantsOf({ models: ['a', 'b'], methods: ['nearest'] });
    const { notes } = await run({ open, contestants, pairs: 1 });
    expect(notes).toHaveLength(2);
    expect(notes[0]).toMatch(/no pair shows 1 of its 2 classes/);
    expect(notes[1]).toMatch(/^b reads another input size than a/);
  });

  it('stops when told to, and closes its engines', async () => {
    const { open, opened, closed } = recorder();
    const stop = new AbortController();
    const progress: number[] = [];
    const running = run({
      open,
      signal: stop.signal,
      onProgress: ({ done, total }) => {
        progress.push(done / total);
        stop.abort();
      },
    });
    await expect(running).rejects.toMatchObject({ name: 'AbortError' });
    expect(progress).toEqual([0.25]);
    expect(closed).toEqual(opened);
  });

  it('refuses what it cannot measure', async () => {
    await expectRejection('OPTION_INVALID', run({ contestants: [] }), 'contestant');
    await expectRejection('OPTION_INVALID', run({ contestants: [...BASELINES, ...BASELINES] }), 'copied mask');
    await expectRejection('OPTION_INVALID', run({ pairs: 0 }), 'pairs');
    await expectRejection('OPTION_INVALID', run({ seed: 0.5 }), 'seed');
    await expectRejection('OPTION_INVALID', run({ folds: [] }), 'folds');
    const empty: Dataset = { ...bench.dataset, fold: (index) => ({ ...bench.dataset.fold(index), testEpisodes: () => [] }) };
    await expectRejection('DATASET_INVALID', run({ dataset: empty }), 'test pair');
    const smaller: Dataset = { ...bench.dataset, labels: () => Promise.resolve({ data: new Uint8Array(4), width: 2, height: 2 }) };
    await expectRejection('DATASET_INVALID', run({ dataset: smaller }), '160 x 160', '2 x 2');
  });
});

async function ownMask({ reference, classId }: Episode) {
  const { data, width, height } = await bench.dataset.labels(reference);
  return { data: data.map((label) => (label === classId ? 1 : 0)), width, height };
}
