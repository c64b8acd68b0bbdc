/**
 * IoU on photos by what is done about specks and holes: each pair is predicted once, and cleaned in every way.
 *   npm run bench:specks -- [--data DIR] [--sets A,B] [--pairs N] [--out FILE]
 * The same numbers, one way at a time: prosam eval --data DIR --method auto --size 256 --pairs N --min-area A --fill-holes B
 */
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { cleanMask, type CleanOptions } from '../../src/core/mask/clean-mask.ts';
import { maskExtent } from '../../src/core/mask/raster.ts';
import type { Engine, Prediction } from '../../src/core/engine/types.ts';
import { createEngine } from '../../src/index.ts';
import { comparePaired } from '../../src/training/evaluation/bootstrap.ts';
import type { ModelContestant } from '../../src/training/evaluation/entries.ts';
import { evaluate } from '../../src/training/evaluation/evaluate.ts';
import type { EpisodeRow } from '../../src/training/evaluation/result.ts';
import { SIDE } from '../results/cells.ts';
import { SETS } from '../results/sets.ts';

const { values } = parseArgs({
  options: {
    data: { type: 'string', default: '../shared/data' },
    sets: { type: 'string', default: 'coco,animals,ccp,carparts,cwfid' },
    pairs: { type: 'string', default: '60' },
    out: { type: 'string', default: 'out/specks.json' },
  },
});

const SHARES = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.02];
const WAYS: [name: string, options: CleanOptions][] = [
  ['as drawn', {}],
  ...SHARES.map((minArea): [string, CleanOptions] => [`min-area ${minArea}`, { minArea }]),
  ...SHARES.map((fillHoles): [string, CleanOptions] => [`fill-holes ${fillHoles}`, { fillHoles }]),
  ['fill-holes all', { fillHoles: true }],
  ...SHARES.slice(0, 4).map((share): [string, CleanOptions] => [`both ${share}`, { minArea: share, fillHoles: share }]),
  ['largest-only', { largestOnly: true }],
];

/** An engine that predicts a pair once and cleans a copy of its mask for each way. */
function cleaningEngine(engine: Engine): Engine {
  let last: { target: unknown; prediction: Promise<Prediction> } | undefined;
  return {
    ...engine,
    close: () => Promise.resolve(),
    async predict(target, references, { minArea, fillHoles, largestOnly, ...options } = {}) {
      if (last?.target !== target)
        last = { target, prediction: engine.predict(target, references, { ...options, minArea: 0, fillHoles: false }) };
      const prediction = await last.prediction;
      const masks = prediction.masks.map((one) => {
        const mask = { ...one.mask, data: Uint8Array.from(one.mask.data) };
        cleanMask(mask, {
          ...(minArea !== undefined && { minArea }),
          ...(fillHoles !== undefined && { fillHoles }),
          ...(largestOnly && { largestOnly }),
        });
        return { ...one, mask, ...maskExtent(mask) };
      });
      return { ...prediction, masks };
    },
  };
}

const contestants = WAYS.map(([name, options]): ModelContestant => ({
  kind: 'model',
  name,
  model: 'small',
  options: { method: 'auto', ...options },
}));
const engine = await createEngine({ model: 'small', threads: 1 });
const found: Record<string, Record<string, unknown>> = {};
for (const name of values.sets.split(',')) {
  const set = SETS.find((one) => one.name === name);
  if (set === undefined) throw new Error(`--sets: expected some of ${SETS.map((one) => one.name).join(', ')}, got ${name}.`);
  const dataset = await set.open(values.data, 'out');
  const pairs = Math.ceil(Number(values.pairs) / set.folds.length);
  const { contestants: results } = await evaluate({
    ...{ dataset, folds: set.folds, contestants, size: SIDE, pairs },
    open: () => Promise.resolve(cleaningEngine(engine)),
  });
  const drawn = results[0]?.episodes as EpisodeRow[];
  const rows = results.map((result) => ({
    name: result.contestant.name,
    miou: result.miou,
    versus: comparePaired(drawn, result.episodes, 1),
  }));
  found[name] = { rows };
  console.log(name);
  for (const row of rows) console.log(JSON.stringify(row));
  writeFileSync(values.out, JSON.stringify(found));
}
await engine.close();
