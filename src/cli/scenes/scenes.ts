/** `prosam scenes`: generated data to train and measure on. */
import { writeScenesDataset } from '../../training/datasets/index.ts';
import { EXIT, type Terminal } from '../common/command.ts';
import { parseCommand } from '../common/parse.ts';
import { createProgress, type Progress } from '../common/progress.ts';
import { SCENES } from './spec.ts';

/** Resolves to the exit code. */
export async function scenes(args: readonly string[], { print, signal }: Terminal): Promise<number> {
  const { values, positionals } = parseCommand(SCENES, args);
  const [folder] = positionals as [string];
  let progress: Progress | undefined;
  await writeScenesDataset(folder, {
    ...values,
    ...(signal && { signal }),
    onProgress: (_, total, what) => (progress ??= createProgress(total)).advance(what),
  });
  print(`scenes in ${folder}; next: prosam train --data ${folder} --out runs/scenes`);
  return EXIT.ok;
}
