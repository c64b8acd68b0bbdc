/** `prosam scenes`: data to train and measure on where there is none. */
import { parseArgs } from 'node:util';
import { writeScenesDataset } from '../../training/datasets/index.ts';
import { createProgress, type Progress } from '../common/progress.ts';
import type { Terminal } from '../common/terminal.ts';
import { EXIT, UsageError, wholeNumber } from '../common/usage.ts';

export const SCENES_HELP = `prosam scenes: draw annotated images to train and measure on

  prosam scenes DIR [--images N] [--seed N] [--size PIXELS]

Writes DIR/images, DIR/masks and DIR/classes.json: scenes of 48 concepts in four folds, with exact masks, a quarter of them held
back, and 200 test pairs a fold. The same options give the same files; a folder already complete stays as it is.

  --images N            192 to 5000 (default: 800)
  --seed N              another set of scenes (default: 1)
  --size PIXELS         width and height (default: 256)

Example:
  prosam scenes scenes && prosam train --data scenes --out runs/scenes
`;

/** -> exit code */
export async function scenes(args: readonly string[], { print, signal }: Terminal): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: { images: { type: 'string' }, seed: { type: 'string' }, size: { type: 'string' } },
  });
  const [folder] = positionals;
  if (folder === undefined || positionals.length > 1) throw new UsageError('expected one folder to write to: prosam scenes DIR.');
  let progress: Progress | undefined;
  await writeScenesDataset(folder, {
    ...(values.images !== undefined && { images: wholeNumber('images', values.images) }),
    ...(values.seed !== undefined && { seed: wholeNumber('seed', values.seed) }),
    ...(values.size !== undefined && { size: wholeNumber('size', values.size) }),
    ...(signal && { signal }),
    onProgress: (_, total, what) => (progress ??= createProgress(total)).advance(what),
  });
  print(`scenes in ${folder}; next: prosam train --data ${folder} --out runs/scenes`);
  return EXIT.ok;
}
