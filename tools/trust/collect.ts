/**
 * Evidence beside what came of it, for fitting the numbers of src/core/engine/trust/weights.ts:
 *   node tools/trust/collect.ts --data DIR --out FILE.jsonl [--pairs N] [--sets coco,ccp] [--methods prosam,nearest] [--copies] [--shots 1,5]
 * DIR as in tools/results. One line a target: set, class, reference, whether the target shows the class, for every method its evidence and
 * IoU, with --copies also the IoU on a copy of a single reference. Goes on where it ended. The sets take turns, so that it can be stopped at any time.
 */
import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { createEngine, type ImageInput, type Method } from '../../src/index.ts';
import { confusion } from '../../src/core/mask/metrics.ts';
import { resizeNearest } from '../../src/core/mask/resize-map.ts';
import { absentEpisodes } from '../../src/training/evaluation/absent-episodes.ts';
import { createPairMaker } from '../../src/training/evaluation/pair.ts';
import type { Episode } from '../../src/training/types.ts';
import { SETS } from '../results/sets.ts';

const { values } = parseArgs({
  options: {
    data: { type: 'string' },
    out: { type: 'string' },
    model: { type: 'string', default: 'small' },
    pairs: { type: 'string', default: '25' },
    sets: { type: 'string', default: 'coco,ccp,animals,carparts,cwfid,ground,scenes' },
    methods: { type: 'string', default: 'prosam,nearest,refined' },
    copies: { type: 'boolean', default: false },
    shots: { type: 'string', default: '1' },
    cache: { type: 'string' },
  },
});
if (values.data === undefined || values.out === undefined) throw new Error('expected --data DIR --out FILE, got less.');
const [data, out] = [values.data, values.out];
const methods = values.methods.split(',') as Method[];
/** Images without the class that are shown beside every target. */
const OTHERS = 3;
const SEED = 77;

const engine = await createEngine({
  model: values.model,
  device: 'cpu',
  threads: 1,
  ...(values.cache !== undefined && { cacheDir: values.cache }),
});
const done = new Set(
  existsSync(out)
    ? readFileSync(out, 'utf8')
        .split('\n')
        .filter(Boolean)
        .map((line) => (JSON.parse(line) as { id: string }).id)
    : [],
);

/** A reference with more of its kind, a target with or without the class, and images without it. */
interface Job {
  id: string;
  set: string;
  fold: string;
  shown: boolean;
  episode: Episode;
  references: readonly Episode[];
  others: readonly Episode[];
  make: ReturnType<typeof createPairMaker>;
}

async function jobsOf(name: string): Promise<Job[][]> {
  const set = SETS.find((one) => one.name === name);
  if (set === undefined) throw new Error(`expected one of ${SETS.map((one) => one.name).join(', ')}, got ${name}.`);
  const dataset = await set.open(data, join(import.meta.dirname, '../../.cache'));
  const make = createPairMaker({ dataset, frame: engine.info.input, compareAt: 256, annotation: 'mask', seed: SEED });
  const jobs: Job[][] = [];
  // Every set has about as many pairs.
  const pairs = Math.round((Number(values.pairs) * 4) / set.folds.length);
  for (const index of set.folds) {
    const fold = dataset.fold(index);
    const episodes = fold.testEpisodes(pairs, SEED).slice(0, pairs);
    const absent = await absentEpisodes(dataset, episodes, SEED, 1 + OTHERS);
    episodes.forEach((episode, i) => {
      const round = Math.floor((i * set.folds.length) / 4);
      const [first, ...others] = absent[i] ?? [];
      for (const count of values.shots.split(',').map(Number)) {
        const same = episodes.filter(({ classId, reference }) => classId === episode.classId && reference.key !== episode.target.key);
        const more = [...new Map([episode, ...same].map((one) => [one.reference.key, one])).values()].slice(0, count);
        if (more.length < count) continue;
        for (const target of [episode, ...(first ? [first] : [])]) {
          const shown = target === episode;
          const id = `${name} ${fold.name} ${i} ${shown ? 'shown' : 'absent'} ${count}`;
          const usable = others.filter(({ target: other }) => !more.some(({ reference }) => reference.key === other.key));
          (jobs[round] ??= []).push({ id, set: name, fold: fold.name, shown, episode: target, references: more, others: usable, make });
        }
      }
    });
  }
  return jobs;
}

async function answer({ id, set, fold, shown, episode, references, others, make }: Job): Promise<void> {
  const pair = await make(episode, 0);
  const marked = [];
  for (const one of references) {
    const { reference: image, referenceMask: mask } = await make(one, 0);
    if (mask.data.includes(1)) marked.push({ image, mask });
  }
  if (marked.length < references.length) return;
  const without: ImageInput[] = [];
  for (const other of others) without.push((await make(other, 0)).target);
  const found: Record<string, object> = {};
  for (const method of methods) {
    const { masks } = await engine.predict(pair.target, marked, { method, threshold: 0, others: without });
    const { mask, evidence } = masks[0] as (typeof masks)[number];
    const { tp, fp, fn } = confusion(resizeNearest(mask.data, mask, pair.truth), pair.truth.data, pair.ignore);
    found[method] = { iou: tp + fp + fn === 0 ? 1 : tp / (tp + fp + fn), tp, union: tp + fp + fn, empty: !mask.data.includes(1), evidence };
  }
  const check = values.copies && shown && references.length === 1 ? await engine.selfCheck(marked) : undefined;
  const copy = check && Object.fromEntries(Object.entries(check.methods).map(([name, { iou }]) => [name, iou]));
  const { classId, reference, target } = episode;
  const facts = { id, set, fold, shown, shots: references.length, classId, reference: reference.key, target: target.key };
  appendFileSync(out, `${JSON.stringify({ ...facts, ...(copy && { copy }), methods: found })}\n`);
}

const all = await Promise.all(values.sets.split(',').map(jobsOf));
const rounds = Math.max(...all.map((jobs) => jobs.length));
for (let round = 0; round < rounds; round++) {
  for (const jobs of all)
    for (const job of jobs[round] ?? []) {
      if (done.has(job.id)) continue;
      await answer(job).catch((error: unknown) => console.error(`${job.id}: ${String(error)}`));
    }
  console.error(`round ${round + 1} of ${rounds}`);
}
await engine.close();
