/** `prosam study`: the paper's studies, one command each; an interrupted one resumes. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { openDataset } from '../../training/datasets/index.ts';
import { loadTrainingEngine } from '../../training/tfjs/engine.ts';
import { runStudy } from '../../training/study/run-study.ts';
import type { StudyOptions } from '../../training/study/study-options.ts';
import { studyPage } from '../../training/study/study-page.ts';
import type { StudyName } from '../../training/study/study-result.ts';
import { EXIT, UsageError, type Terminal } from '../common/command.ts';
import { engineOptions, predictOptions } from '../common/engine-options.ts';
import { createDataNotices } from '../common/data-notices.ts';
import { readingFrom } from '../common/reading-options.ts';
import { readAs } from '../../training/read-as.ts';
import type { Dataset } from '../../training/types.ts';
import { numberIn, parseCommand, pick, words } from '../common/parse.ts';
import { reportReadings } from '../common/dataset-readings.ts';
import { createProgress, type Progress } from '../common/progress.ts';
import type { Values } from '../common/spec.ts';
import { textTable } from '../common/text-table.ts';
import { refuseTaken, writeOwn } from '../common/write-file.ts';
import { STUDY } from './spec.ts';

/** Resolves to the exit code. */
export async function studyCommand(args: readonly string[], { print, warn, signal }: Terminal): Promise<number> {
  const { values, positionals } = parseCommand(STUDY, args);
  const [study] = positionals as [StudyName];
  const { data, out, testData } = values;
  if (study === 'domain-shift' && testData === undefined) throw new UsageError('domain-shift: expected --test-data DIR or FILE, got none.');
  const chosen = optionsOf(values);
  const folds = foldsOf(values.fold);
  const [figures, page] = ['study.json', 'study.html'].map((name) => join(out, name)) as [string, string];
  // A folder with cells belongs to a study, even if its files are not marked.
  const own = { about: `study ${study}`, adopt: existsSync(join(out, 'cells')) };
  await refuseTaken([figures, page], own);
  const reads = { ...pick(values, 'crowds'), ...(signal && { signal }) };
  const found = createDataNotices();
  const open = async (path: string): Promise<Dataset> => readAs(await openDataset(path, reads), readingFrom(values), found.add);
  const dataset = await open(data);
  const testDataset = testData === undefined ? undefined : await open(testData);
  const readings = [dataset, testDataset].flatMap((one) => one?.readings ?? []);
  if (!values.json) for (const one of [dataset, testDataset]) if (one) reportReadings(one, { print, warn });

  const line = progressLine();
  const result = await runStudy(study, {
    ...chosen,
    dataset,
    ...(testDataset && { testDataset }),
    ...(folds && { folds }),
    out,
    engine: () => loadTrainingEngine(values.engine),
    ...(signal && { signal }),
    onProgress: line.show,
    onNote: (text) => {
      line.clear();
      warn(text);
    },
  }).finally(line.clear);
  for (const line of found.lines()) warn(line);
  await writeOwn(figures, `${JSON.stringify(result)}\n`, own);
  await writeOwn(page, studyPage(result), own);
  if (values.json) {
    print(JSON.stringify({ ...result, ...(readings.length > 0 && { readings }) }));
  } else {
    const tables = result.parts.flatMap((part) => part.tables.map((table) => `${part.heading}\n${textTable(table)}`));
    print([...tables, ...result.notes].join('\n\n'));
    print(`look at ${page}`);
  }
  return EXIT.ok;
}

function optionsOf(values: Values<typeof STUDY.options>): Partial<StudyOptions> {
  const { model: models, searchSteps, startStd } = values;
  const { labelReduction } = predictOptions(pick(values, 'labelReduction'));
  const { device, cacheDir } = engineOptions(pick(values, 'device', 'cache'));
  return {
    ...pick(values, 'pairs', 'steps', 'batch', 'samples', 'lr', 'starts', 'probes', 'trained', 'seeds', 'variants', 'annotation', 'runs'),
    ...(models && { models }),
    ...(searchSteps !== undefined && { searchSteps }),
    ...(startStd !== undefined && { startDeviation: startStd }),
    ...(device !== undefined && { device }),
    ...(cacheDir !== undefined && { cacheDir }),
    ...pick(values, 'threads'),
    ...(labelReduction && { labelReduction }),
  };
}

/** Folds to measure; undefined for every fold of the data. */
function foldsOf(text: string): (number | 'all')[] | undefined {
  if (text === 'all') return undefined;
  if (text === 'unsplit') return ['all'];
  return words('fold', text).map((word) => numberIn('fold', word, { type: 'whole' }));
}

/** Progress line that starts again with every new kind of work. */
function progressLine(): { show: NonNullable<StudyOptions['onProgress']>; clear: () => void } {
  let now: { what: string; last: number; line: Progress } | undefined;
  return {
    show({ what, done, total }) {
      const kind = what.replace(/\d+ of/, '');
      if (now?.what !== kind) now = { what: kind, last: done - 1, line: createProgress(total, process.stderr, done - 1) };
      for (; now.last < done; now.last++) now.line.advance(what);
    },
    clear: () => now?.line.clear(),
  };
}
