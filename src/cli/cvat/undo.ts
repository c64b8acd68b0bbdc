/** `prosam cvat undo`: takes back what CVAT's own requests brought into a task, as far as nobody touched it. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { createAnswerLog } from '../../adapters/cvat/annotate/answer-log.ts';
import { undoAnswers, type Fate, type UndoneShape } from '../../adapters/cvat/annotate/undo-answers.ts';
import { createUploadLog } from '../../adapters/cvat/jobs/upload-log.ts';
import { loadConfig } from '../../server/config.ts';
import { EXIT, UsageError, type Terminal } from '../common/command.ts';
import { parseCommand } from '../common/parse.ts';
import { cvatConnection } from './connection.ts';
import { frameNumbers } from './frame-numbers.ts';
import { CVAT_UNDO } from './spec.ts';
import { targetOf } from './target.ts';

/** Reasons why shapes stay, for people. */
const STAYS: Readonly<Record<Exclude<Fate, 'removed'>, string>> = {
  changed: 'were answered here, and somebody changed them since',
  uploaded: 'were uploaded by prosam cvat annotate: its --undo takes them back',
  relabelled: 'are as they were answered, and have another label: --mapping ANSWERED=LABEL says that it was chosen in CVAT',
  doubled: 'are there more often than they were answered, so nobody can tell which of them are whose',
  unknown: 'are none of the answers recorded here: another program may have made them, or a region of the frame was asked about',
};
/** Those of which nobody knows whose they are. */
const UNTOLD: readonly Fate[] = ['relabelled', 'doubled', 'unknown'];

/** Resolves to the exit code. */
export async function cvatUndo(args: readonly string[], { print, warn, signal }: Terminal): Promise<number> {
  const { values } = parseCommand(CVAT_UNDO, args);
  const target = targetOf(values);
  const client = cvatConnection(values);
  const mapping = mappingOf(values.mapping ?? []);
  const folder = values.uploads ?? (await loadConfig({ ...(values.config !== undefined && { file: values.config }) })).cvat.uploads;
  if (!existsSync(join(folder, 'answers')))
    throw new UsageError(
      `expected the record of what the service answered to CVAT in ${join(folder, 'answers')}, but it is not there. ` +
        'Run this where the service runs, or name its folder with --uploads.',
    );
  const { task, shapes } = await undoAnswers({
    ...{ client, target, answers: createAnswerLog(folder), uploads: createUploadLog(folder), mapping, signal },
    ...{
      labels: values.labels,
      dryRun: values.dryRun,
      onJob: ({ job, frames }) => warn(`Job ${job}: ${frames} frames are compared with what was answered.`),
    },
    ...(values.frames !== undefined && { frames: frameNumbers('frames', values.frames) }),
  });
  const count = (fate: Fate): number => shapes.filter((one) => one.fate === fate).length;
  if (values.json) print(JSON.stringify({ task, ...(values.dryRun && { dryRun: true }), removed: count('removed'), shapes }));
  warn(
    `Task ${task}: ${count('removed')} shapes ${values.dryRun ? 'would be removed' : 'were removed'}, ${shapes.length - count('removed')} stay.`,
  );
  for (const [fate, why] of Object.entries(STAYS) as [keyof typeof STAYS, string][])
    if (count(fate) > 0) warn(`${count(fate)} ${why} (${placesOf(shapes.filter((one) => one.fate === fate))}).`);
  return UNTOLD.some((fate) => count(fate) > 0) ? EXIT.someFailed : EXIT.ok;
}

const MAX_NAMED = 5;

/** Labels, and the first frames, of shapes. */
function placesOf(shapes: readonly UndoneShape[]): string {
  const frames = [...new Set(shapes.map(({ frame }) => frame))].sort((a, b) => a - b);
  const labels = [...new Set(shapes.map(({ label }) => label))].sort();
  const some = (list: readonly (string | number)[]): string =>
    `${list.slice(0, MAX_NAMED).join(', ')}${list.length > MAX_NAMED ? ', ...' : ''}`;
  return `${some(labels)} in frames ${some(frames)}`;
}

/** answered=label, ... @throws UsageError */
function mappingOf(pairs: readonly string[]): Map<string, string> {
  return new Map(
    pairs.map((pair) => {
      const [answered = '', label = '', ...more] = pair.split('=');
      if (answered === '' || label === '' || more.length > 0)
        throw new UsageError(`--mapping: expected ANSWERED=LABEL, such as cup=mug, got ${JSON.stringify(pair)}.`);
      return [answered, label] as const;
    }),
  );
}
