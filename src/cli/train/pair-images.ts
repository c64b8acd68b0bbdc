/** Images of a run's validation pairs, kept as files, so that the report of a resumed run has the earlier ones. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ImageReading } from '../../core/image/values/reading.ts';
import { readablePart } from '../../core/files/file-name.ts';
import { shownRounds, type PairImages } from '../../training/report/training-report.ts';
import type { ValidationEvent, ValidationExample } from '../../training/loop/trainer.ts';
import type { DatasetClass } from '../../training/types.ts';
import { COLORS, readRgb, sideBySide, withMask } from '../common/draw.ts';
import { writeOwn, type WriteOwnOptions } from '../common/write-file.ts';

const LONGEST = 240;
/** Longest name of a class within a file name, in bytes. */
const LONGEST_NAME = 80;
/** File name: number of the pair, its class, step, IoU. */
const NAME = /^(\d+)-(.+)-step(\d+)-iou(\d\.\d+)\.png$/;

export const PAIR_LEGEND =
  'Left: the reference with its annotation (yellow). Right: the target with the predicted mask (blue) and the outline of the true one (pink).';

/** Writes an image of each example into `folder`, named by its number and the step. @throws OUTPUT_FAILED, OUTPUT_TAKEN, IMAGE_* */
export async function writePairImages(
  folder: string,
  { row, examples }: ValidationEvent,
  classes: readonly DatasetClass[],
  options: WriteOwnOptions & { reading?: ImageReading | undefined },
): Promise<void> {
  for (const [i, example] of examples.entries()) {
    const { classId } = example.episode;
    const name = classes.find(({ id }) => id === classId)?.name ?? `class ${classId}`;
    const plain = readablePart(name, LONGEST_NAME).replaceAll(/[^\p{L}\p{N}]+/gu, '_');
    const file = `${i + 1}-${plain}-step${String(row.step).padStart(7, '0')}-iou${example.iou.toFixed(3)}.png`;
    await writeOwn(join(folder, file), await pairImage(example, options.reading), options);
  }
}

async function pairImage({ episode, annotation, mask, truth }: ValidationExample, reading: ImageReading = {}): Promise<Uint8Array> {
  const [reference, target] = [
    await readRgb(episode.reference.file, LONGEST, reading),
    await readRgb(episode.target.file, LONGEST, reading),
  ];
  const predicted = withMask(target, mask, COLORS.prediction);
  return sideBySide([withMask(reference, annotation, COLORS.annotation), withMask(predicted, truth, COLORS.truth, 0)]);
}

/** Reads a few rounds of each pair from the folder. steps: of the validations. */
export async function readPairImages(folder: string, steps: ReadonlySet<number>, stepsPerEpoch: number): Promise<PairImages[]> {
  const names = await readdir(folder).catch((): string[] => []);
  const pairs = new Map<string, { file: string; step: number; iou: number }[]>();
  for (const file of names.sort()) {
    const [, pair, name, step, iou] = NAME.exec(file) ?? [];
    if (pair === undefined || !steps.has(Number(step))) continue;
    const title = `pair ${pair}: ${(name as string).replaceAll('_', ' ')}`;
    pairs.set(title, [...(pairs.get(title) ?? []), { file, step: Number(step), iou: Number(iou) }]);
  }
  const images: PairImages[] = [];
  for (const [title, rounds] of pairs) {
    const shown = [];
    for (const { file, step, iou } of shownRounds(rounds)) {
      shown.push({ epoch: Number((step / stepsPerEpoch).toFixed(2)), png: await readFile(join(folder, file)), iou });
    }
    images.push({ title, rounds: shown });
  }
  return images;
}
