/** Measures contestants on the same pairs with the same annotations, as the paper measures (class-wise mIoU per fold; tables 1 and 2). */
import { ProsamError } from '../../core/common/errors.ts';
import type { BinaryMask } from '../../core/mask/label-reduction.ts';
import { MAX_RIVAL_IMAGES } from '../../core/engine/trust/rivals.ts';
import { createEngine } from '../../core/runtime/node/create-engine.ts';
import { DEFAULT_SEED } from '../../core/engine/defaults.ts';
import type { EngineOptions } from '../../core/runtime/node/open-engine.ts';
import type { Precision } from '../../core/onnx/precision.ts';
import type { Engine, EngineInfo, ImageInput } from '../../core/engine/types.ts';
import type { Dataset, DatasetImage, Episode, Fold } from '../types.ts';
import { absentEpisodes } from './absent-episodes.ts';
import { predict, trivial } from './entry-prediction.ts';
import { episodeRow } from './episode-row.ts';
import { checkContestants, modelOn, type Contestant } from './entries.ts';
import { createEngineShelf, type EngineShelf } from './engines.ts';
import { MAX_SHOTS, moreReferences } from './more-references.ts';
import { createPairMaker, type Frame, type Pair } from './pair.ts';
import { promptRows } from './object-prompts.ts';
import { summarizePrompts } from './prompt-summary.ts';
import type { EpisodeRow, Evaluation, EvaluationSettings, PromptRow } from './result.ts';
import { summarize } from './summary.ts';

export interface EvaluateOptions extends Partial<EvaluationSettings> {
  dataset: Dataset;
  folds: readonly (number | 'all')[];
  contestants: readonly Contestant[];
  device?: EngineOptions['device'];
  threads?: 'auto' | number;
  /** Number format of the image networks. @default 'fp32' */
  precision?: Precision;
  /** Folder for image features, so that another evaluation is faster. */
  cacheDir?: string;
  /** System outside, for the method 'external'. */
  external?: EngineOptions['external'];
  onProgress?: (progress: { done: number; total: number; what: string }) => void;
  /** Every pair with what each contestant made of it, in the order of the contestants. */
  onPair?: (pair: Pair, predictions: readonly { row: EpisodeRow; mask: BinaryMask }[]) => void;
  signal?: AbortSignal;
  /** @default createEngine, which computes in a worker */
  open?: (options: EngineOptions) => Promise<Engine>;
}

const DEFAULTS = { pairs: 1000, annotation: 'mask', size: 'network', seed: DEFAULT_SEED } as const satisfies EvaluationSettings;
const MAX_PAIRS = 1_000_000;
const MAX_SIDE = 4096;
/** The side the paper compares at, where no model sets another. */
const PAPER_SIDE = 512;

/** One seed gives one result. @throws DATASET_INVALID, OPTION_INVALID, MODEL_*, METHOD_UNAVAILABLE, DEVICE_UNAVAILABLE, IMAGE_* */
export async function evaluate(options: EvaluateOptions): Promise<Evaluation> {
  const { dataset, contestants } = options;
  const settings = settingsOf(options);
  checkContestants(contestants);
  const folds: FoldPairs[] = [];
  for (const index of new Set(options.folds)) {
    const fold = dataset.fold(index);
    const episodes = fold.testEpisodes(settings.pairs, settings.seed);
    const { trust = false, others = 0 } = settings;
    const without = trust || others > 0 ? await absentEpisodes(dataset, episodes, settings.seed, 1 + others) : [];
    const absent = trust ? without.flatMap(([first]) => first ?? []) : [];
    const more = moreReferences(episodes, settings.shots ?? 1, settings.seed);
    folds.push({
      ...{ fold, episodes, absent },
      others: new Map(without.flatMap((images, i) => othersOf(episodes[i] as Episode, images))),
      more: new Map(more.flatMap((images, i) => [episodes[i] as Episode, ...(without[i] ?? [])].map((episode) => [episode, images]))),
    });
  }
  const total = folds.reduce((sum, { episodes, absent }) => sum + episodes.length + absent.length, 0);
  if (total === 0)
    throw new ProsamError('DATASET_INVALID', `${dataset.name}: expected at least one test pair, got none. Choose other folds.`);

  const run: Run = {
    options,
    settings,
    total,
    done: 0,
    notes: new Set(),
    rows: contestants.map(() => []),
    absent: contestants.map(() => []),
    infos: contestants.map((): Run['infos'][number] => new Map()),
    prompted: [],
  };
  const shelf = createEngineShelf((model) => (options.open ?? createEngine)(engineOptions(options, model)));
  try {
    for (const pairs of folds) await runFold(run, pairs, shelf);
  } finally {
    await shelf.close();
  }
  const results = contestants.map((contestant, i) => {
    const [rows, infos] = [run.rows[i] as EpisodeRow[], run.infos[i] as Run['infos'][number]];
    const absent = settings.trust ? run.absent[i] : undefined;
    return summarize({
      ...{ contestant, engines: [...infos.values()], rows, classes: dataset.classes, seed: settings.seed },
      ...(absent && { absent }),
    });
  });
  const unmarked = Math.max(...results.map((result) => result.unmarked));
  if (unmarked > 0)
    run.notes.add(`In ${unmarked} of ${total} pairs the annotation reached no pixel or no feature cell; they count as an empty mask.`);
  return {
    format: 'prosam-evaluation/1',
    data: {
      name: dataset.name,
      folds: folds.map(({ fold, episodes }) => ({ name: fold.name, classes: fold.novel, pairs: episodes.length })),
    },
    settings,
    contestants: results,
    ...(settings.prompts && { prompts: { results: summarizePrompts(run.prompted, settings.seed), rows: run.prompted } }),
    notes: [...run.notes],
  };
}

interface FoldPairs {
  fold: Fold;
  episodes: readonly Episode[];
  /** The same references beside targets that do not show their class. */
  absent: readonly Episode[];
  /** Images without the class, for either. */
  others: ReadonlyMap<Episode, readonly Episode[]>;
  /** Further references of either. */
  more: ReadonlyMap<Episode, readonly DatasetImage[]>;
}

/** The first image without the class is a target itself; the others are shown beside it and the pair alike. */
function othersOf(episode: Episode, [first, ...others]: readonly Episode[]): [Episode, readonly Episode[]][] {
  return [episode, ...(first ? [first] : [])].map((one) => [one, others]);
}

/** Growing state of an evaluation; rows, those of absent targets and infos per entry. */
interface Run {
  options: EvaluateOptions;
  settings: EvaluationSettings;
  total: number;
  done: number;
  notes: Set<string>;
  rows: EpisodeRow[][];
  absent: EpisodeRow[][];
  infos: Map<string, Pick<EngineInfo, 'model' | 'device'>>[];
  prompted: PromptRow[];
}

async function runFold(run: Run, { fold, episodes, absent, others, more }: FoldPairs, shelf: EngineShelf): Promise<void> {
  const { options, settings, notes } = run;
  const { contestants, signal } = options;
  noteMissingClasses(fold, episodes, notes);
  const engines = new Map<Contestant, Engine>();
  const needed = contestants.filter((contestant) => contestant.kind === 'model');
  const opened = await shelf.use([...new Set(needed.map((contestant) => modelOn(contestant, fold.name)))]);
  for (const contestant of needed) engines.set(contestant, opened.get(modelOn(contestant, fold.name)) as Engine);
  contestants.forEach((contestant, i) => {
    const info = engines.get(contestant)?.info;
    if (info) run.infos[i]?.set(info.model, { model: info.model, device: info.device });
  });

  const distinct = [...new Set(engines.values())];
  const { size, annotation, seed, prompts } = settings;
  const frame = size === 'own' ? undefined : frameOf(distinct, notes);
  const compareAt = typeof size === 'number' ? size : undefined;
  const make = createPairMaker({ dataset: options.dataset, frame, compareAt, annotation, seed });
  /** Targets and classes whose object was prompted. */
  const prompted = new Set<string>();
  const all = [...episodes, ...absent];
  const start = (index: number): Promise<Pair> | undefined => {
    const episode = all[index];
    return episode && quietly(make(episode, index));
  };
  let ahead = start(0);
  for (let index = 0; ahead !== undefined; index++) {
    signal?.throwIfAborted();
    const pair = await ahead;
    ahead = start(index + 1); // read while this one is computed
    const without: ImageInput[] = [];
    for (const other of others.get(pair.episode) ?? []) without.push((await make(other, index)).target);
    const further: Pair[] = [];
    for (const reference of more.get(pair.episode) ?? []) further.push(await make({ ...pair.episode, reference }, index));
    if (further.length < (settings.shots ?? 1) - 1)
      notes.add(`Fold ${fold.name}: some classes have fewer than ${settings.shots} references.`);
    const embedMs = await embedOnce(distinct, [pair, ...further], signal);
    const shows = index < episodes.length;
    const predictions: { row: EpisodeRow; mask: BinaryMask }[] = [];
    for (const [i, contestant] of contestants.entries()) {
      if (!shows && contestant.kind !== 'model') continue;
      const engine = engines.get(contestant);
      const predicted =
        contestant.kind === 'model' && engine
          ? await predict(contestant, pair, {
              ...{ engine, settings, further, others: without, embedMs: embedMs.get(engine) ?? 0, signal },
              onNotice: options.dataset.onNotice,
            })
          : trivial(contestant.kind, pair);
      const row = episodeRow(fold.name, pair.episode, { mask: predicted.mask, truth: pair.truth.data, ignore: pair.ignore }, predicted.row);
      (shows ? run.rows : run.absent)[i]?.push(row);
      predictions.push({ row, mask: { ...pair.truth, data: predicted.mask } });
    }
    const object = `${pair.episode.target.key}\n${pair.episode.classId}`;
    if (shows && prompts && !prompted.has(object)) {
      prompted.add(object);
      for (const engine of distinct) run.prompted.push(...(await promptRows(pair, { engine, fold: fold.name, kinds: prompts, signal })));
    }
    if (shows) options.onPair?.(pair, predictions);
    options.onProgress?.({ done: ++run.done, total: run.total, what: `fold ${fold.name}` });
  }
}

function settingsOf(given: EvaluateOptions): EvaluationSettings {
  const { pairs = DEFAULTS.pairs, seed = DEFAULTS.seed, labelReduction } = given;
  if (!Number.isInteger(pairs) || pairs < 1 || pairs > MAX_PAIRS)
    throw new ProsamError('OPTION_INVALID', `pairs: expected a whole number from 1 to ${MAX_PAIRS}, got ${pairs}.`);
  if (!Number.isSafeInteger(seed)) throw new ProsamError('OPTION_INVALID', `seed: expected a whole number, got ${seed}.`);
  if (given.folds.length === 0) throw new ProsamError('OPTION_INVALID', 'folds: expected at least one, got none.');
  const { annotation = DEFAULTS.annotation, size = DEFAULTS.size, prompts, trust, others, shots = 1 } = given;
  if (!(Number.isInteger(shots) && shots >= 1 && shots <= MAX_SHOTS))
    throw new ProsamError('OPTION_INVALID', `shots: expected a whole number from 1 to ${MAX_SHOTS}, got ${shots}.`);
  if (others !== undefined && !(Number.isInteger(others) && others >= 0 && others <= MAX_RIVAL_IMAGES))
    throw new ProsamError('OPTION_INVALID', `others: expected a whole number from 0 to ${MAX_RIVAL_IMAGES}, got ${others}.`);
  if (typeof size === 'number' && !(Number.isInteger(size) && size >= 1 && size <= MAX_SIDE))
    throw new ProsamError('OPTION_INVALID', `size: expected network, own or a whole number from 1 to ${MAX_SIDE}, got ${size}.`);
  return {
    pairs,
    annotation,
    size,
    seed,
    ...(labelReduction && { labelReduction }),
    ...(prompts && { prompts }),
    ...(trust && { trust }),
    ...(others && { others }),
    ...(shots > 1 && { shots }),
  };
}

function engineOptions({ dataset, device, threads, precision, cacheDir, external }: EvaluateOptions, model: string): EngineOptions {
  return {
    model,
    ...(dataset.reading && { reading: dataset.reading }),
    ...(device && { device }),
    ...(threads !== undefined && { threads: threads === 0 ? ('auto' as const) : threads }),
    ...(precision && { precision }),
    ...(cacheDir !== undefined && { cacheDir }),
    ...(external && { external }),
  };
}

/** All contestants are compared on one grid of pixels: that of the first model. */
function frameOf(engines: readonly Engine[], notes: Set<string>): NonNullable<Frame> {
  const frame = engines[0]?.info.input ?? { side: PAPER_SIDE, resize: 'stretch' as const };
  const padded = frame.resize === 'longest-side';
  const others = engines.filter(({ info: { input } }) => input.side !== frame.side || (input.resize === 'longest-side') !== padded);
  for (const { info } of others) {
    notes.add(
      `${info.model} reads another input size than ${engines[0]?.info.model ?? ''}, at whose ${frame.side} pixels all are compared.`,
    );
  }
  return frame;
}

function noteMissingClasses(fold: Fold, episodes: readonly Episode[], notes: Set<string>): void {
  const seen = new Set(episodes.map(({ classId }) => classId));
  const missing = fold.novel.filter((id) => !seen.has(id));
  if (missing.length > 0)
    notes.add(`Fold ${fold.name}: no pair shows ${missing.length} of its ${fold.novel.length} classes; the means leave them out.`);
}

/** Keeps a failure for whoever awaits it, without an alarm should nobody come. */
function quietly<T>(work: Promise<T>): Promise<T> {
  work.catch(() => undefined);
  return work;
}

/** Encodes all images before anyone is timed, so that the first contestant does not pay for the others. -> ms for the target */
async function embedOnce(engines: readonly Engine[], pairs: [Pair, ...Pair[]], signal?: AbortSignal): Promise<Map<Engine, number>> {
  const spent = new Map<Engine, number>();
  for (const engine of engines) {
    for (const { reference } of pairs) await engine.prepare(reference, signal && { signal });
    const { milliseconds } = await engine.prepare(pairs[0].target, signal && { signal });
    spent.set(engine, milliseconds.embed ?? 0);
  }
  return spent;
}
