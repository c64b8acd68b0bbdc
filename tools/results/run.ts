/**
 * Every figure of docs/results.md on the photo model: each data set with each method, box, clicks and ranks, with intervals.
 *   npm run bench:results -- [--data DIR] [--out DIR] [--sets A,B] [--folds F,G] [--methods M,N] [--model M] [--pairs N] [--few N] [--threads N] [--report] [--pictures N] [--skip KEY,KEY]
 * What is in --out is not measured again. --report only prints; --pictures N writes the N best, middle and worst pairs of every set as
 * images, without those of which --skip names an image.
 * Photos stay where they are and are not part of the repository: publish no picture whose license does not allow it.
 */
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { createEngine } from '../../src/index.ts';
import type { Dataset } from '../../src/training/types.ts';
import { ALL_METHODS, chunksOf, measureChunk, type MeasureOptions } from './cells.ts';
import { writePictures } from './pictures.ts';
import { measuredOf, report } from './report.ts';
import { SETS, type ResultSet } from './sets.ts';

const { values } = parseArgs({
  options: {
    data: { type: 'string', default: '../shared/data' },
    out: { type: 'string', default: 'out/results' },
    folds: { type: 'string' },
    sets: { type: 'string', default: SETS.map(({ name }) => name).join(',') },
    methods: { type: 'string', default: ALL_METHODS.join(',') },
    model: { type: 'string', default: 'small' },
    pairs: { type: 'string', default: '1000' },
    few: { type: 'string', default: '1000' },
    threads: { type: 'string', default: '1' },
    report: { type: 'boolean', default: false },
    pictures: { type: 'string' },
    skip: { type: 'string', default: '' },
  },
});
const folds = values.folds?.split(',');
const asked = values.methods.split(',');
const options: MeasureOptions = {
  ...{ model: values.model, out: values.out, limit: Number(values.pairs), few: Number(values.few) },
  methods: ALL_METHODS.filter((method) => asked.includes(method)),
};
const sets = values.sets.split(',').map((name) => {
  const set = SETS.find((one) => one.name === name);
  if (set === undefined) throw new Error(`--sets: expected some of ${SETS.map((one) => one.name).join(', ')}, got ${name}.`);
  return set;
});
const opened = new Map<ResultSet, Dataset>();
for (const set of sets) opened.set(set, await set.open(values.data, values.out));

if (!values.report) {
  const engine = await createEngine({ model: options.model, threads: Number(values.threads), cacheDir: join(options.out, 'features') });
  // A little of every set first, so that a run that is ended early has something to say about each.
  for (let chunk = 0; chunk < Math.max(...sets.map(chunksOf)); chunk++) {
    for (const [set, dataset] of opened) {
      for (const fold of set.folds.filter((one) => folds === undefined || folds.includes(String(one)))) {
        const started = performance.now();
        const grown = await measureChunk(options, { set, dataset, fold, chunk, engine });
        const seconds = ((performance.now() - started) / 1000).toFixed(0);
        if (grown.length > 0) console.error(`${set.title}, fold ${fold}, part ${chunk + 1}: ${grown.join(', ')} in ${seconds} s`);
      }
    }
  }
  if (values.pictures !== undefined)
    for (const [set, dataset] of opened)
      await writePictures(options, { set, dataset, engine, count: Number(values.pictures), skip: values.skip.split(',') });
  await engine.close();
}
console.log(report([...opened].map(([set, { classes }]) => measuredOf(options, set, classes))));
