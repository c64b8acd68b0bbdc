/** Output of a command about how its data were read. */
import { leftOutSentence } from '../../training/datasets/tally.ts';
import type { Dataset } from '../../training/types.ts';
import type { Terminal } from './command.ts';

/** One line a data set, and a warning for each kind of what was left out; as JSON one line in all. */
export function reportReadings({ readings = [] }: Dataset, { print, warn }: Pick<Terminal, 'print' | 'warn'>, json = false): void {
  if (json && readings.length > 0) print(JSON.stringify({ type: 'data', readings }));
  for (const { path, form, images, labels, leftOut, notes } of readings) {
    if (!json) print(`read as ${form}: ${images} image${images === 1 ? '' : 's'}, ${labels} label${labels === 1 ? '' : 's'} (${path})`);
    for (const one of leftOut) warn(leftOutSentence(one));
    for (const note of notes) warn(note);
  }
}
