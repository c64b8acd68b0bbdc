/**
 * Every figure of docs/results.md on the photo model: each data set with each method, box, clicks and ranks, with intervals.
 *   npm run bench:results -- [--data DIR] [--out DIR] [--sets A,B] [--methods M,N] [--model M] [--pairs N] [--threads N] [--report] [--pictures N]
 * What is in --out is not measured again. --report only prints; --pictures N writes the N best, middle and worst pairs of every set as images.
 * Photos stay where they are and are not part of the repository: publish no picture whose license does not allow it.
 */
import { parseArgs } from 'node:util';
import { ALL_METHODS, measureFold, type MeasureOptions } from './cells.ts';
import { writePictures } from './pictures.ts';
import { measuredOf, report } from './report.ts';
import { SETS } from './sets.ts';

const { values } = parseArgs({
  options: {
    data: { type: 'string', default: '../shared/data' },
    out: { type: 'string', default: 'out/results' },
    sets: { type: 'string', default: SETS.map(({ name }) => name).join(',') },
    methods: { type: 'string', default: ALL_METHODS.join(',') },
    model: { type: 'string', default: 'small' },
    pairs: { type: 'string', default: '1000' },
    threads: { type: 'string', default: '1' },
    report: { type: 'boolean', default: false },
    pictures: { type: 'string' },
  },
});
const asked = values.methods.split(',');
const options: MeasureOptions = {
  ...{ model: values.model, out: values.out, threads: Number(values.threads), limit: Number(values.pairs) },
  methods: ALL_METHODS.filter((method) => asked.includes(method)),
};
const measured = [];
for (const name of values.sets.split(',')) {
  const set = SETS.find((one) => one.name === name);
  if (set === undefined) throw new Error(`--sets: expected some of ${SETS.map((one) => one.name).join(', ')}, got ${name}.`);
  const dataset = await set.open(values.data, values.out);
  for (const fold of values.report ? [] : set.folds) {
    const started = performance.now();
    const done = await measureFold(options, set, dataset, fold);
    const seconds = ((performance.now() - started) / 1000).toFixed(0);
    if (done.length > 0) console.error(`${set.title}, fold ${fold}: ${done.join(', ')} in ${seconds} s`);
  }
  if (values.pictures !== undefined) await writePictures(options, set, dataset, Number(values.pictures));
  measured.push(measuredOf(options, set, dataset.classes));
}
console.log(report(measured));
