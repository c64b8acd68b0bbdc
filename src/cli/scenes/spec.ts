/** Table of `prosam scenes`. */
import { CONCEPTS } from '../../scenes/concepts.ts';
import { command } from '../common/spec.ts';
import { SUMMARIES } from '../common/summaries.ts';

export const SCENES = command({
  name: 'scenes',
  summary: SUMMARIES.scenes,
  usage: ['DIR [--images N] [--seed N] [--size PIXELS]'],
  intro: [
    `Writes DIR/images, DIR/masks and DIR/classes.json: scenes of ${CONCEPTS.length} concepts in four folds, with exact masks, a quarter of them held back, and 200 test pairs a fold. The same options give the same files; a complete folder stays as it is.`,
  ],
  arguments: [{ name: 'DIR', about: 'folder to write to' }],
  options: {
    images: { type: 'whole', min: 4 * CONCEPTS.length, max: 5000, about: 'scenes', default: 800 },
    seed: { type: 'whole', min: 0, max: 1_000_000_000, about: 'another set of scenes', default: 1 },
    size: { type: 'whole', min: 32, max: 1024, value: 'PIXELS', about: 'width and height', default: 256 },
  },
  exitCodes: { 0: 'done', 2: 'failed', 130: 'interrupted' },
  examples: ['prosam scenes scenes && prosam train --data scenes --out runs/scenes'],
});
