/** Table of `prosam demo`. */
import { ENGINE_OPTIONS } from '../common/engine-options.ts';
import { READING_OPTIONS } from '../common/reading-options.ts';
import { REFERENCE_OPTIONS } from '../common/reference-args.ts';
import { command, options, under } from '../common/spec.ts';
import { SUMMARIES } from '../common/summaries.ts';

export const DEMO = command({
  name: 'demo',
  summary: SUMMARIES.demo,
  usage: ['[--out DIR]', '--reference IMAGE ANNOTATION --target IMAGE... [--truth MASK...] [--out DIR]'],
  intro: [
    'Without photos of yours it takes those that come with prosam: it marks one cat and one airplane with a box and finds the others, with no network and no GPU. Results go to DIR, over those of another demo and nothing else: index.html, overview.png, and a strip for each photo with, from left to right, the reference with its mark, the photo with the predicted mask, the uncertainty of the model, and the true mask where it is known.',
  ],
  arguments: [{ name: 'IMAGE', about: 'more images to segment', optional: true, repeat: true }],
  options: {
    out: { type: 'text', value: 'DIR', about: 'folder of the results', default: 'prosam-demo' },
    json: { type: 'flag', about: 'prints one JSON line a target on stdout' },
    ...REFERENCE_OPTIONS,
    ...under(
      'Your own photos',
      options({
        target: { type: 'text', repeat: true, value: 'IMAGE...', about: 'images to segment' },
        truth: { type: 'text', repeat: true, value: 'MASK...', about: 'true masks of the targets, in their order, to measure against' },
        ...READING_OPTIONS,
      }),
    ),
    ...ENGINE_OPTIONS,
  },
  exitCodes: { 0: 'done', 2: 'failed', 130: 'interrupted' },
  examples: ['prosam demo', 'prosam demo --reference cup.jpg --box 40,60,210,240 --target shelf.jpg table.jpg --out cups'],
});
