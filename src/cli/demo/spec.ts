/** Table of `prosam demo`. */
import { CONCEPTS } from '../../scenes/concepts.ts';
import { ENGINE_OPTIONS } from '../common/engine-options.ts';
import { REFERENCE_OPTIONS } from '../common/reference-args.ts';
import { command, options, under } from '../common/spec.ts';
import { SUMMARIES } from '../common/summaries.ts';

export const DEMO = command({
  name: 'demo',
  summary: SUMMARIES.demo,
  usage: [
    '[--out DIR] [--concepts N] [--targets N] [--scene-seed N]',
    '--reference IMAGE ANNOTATION --target IMAGE... [--truth MASK...] [--out DIR]',
  ],
  intro: [
    'Without photos it draws scenes, annotates one object in one of them and finds its kind in the others: no network, no GPU. Images and index.html go to DIR, over those of another demo and nothing else. Each strip shows, from left to right, the reference with its annotation, the target with the predicted mask, the uncertainty of the model, and the true mask where it is known.',
  ],
  arguments: [{ name: 'IMAGE', about: 'more images to segment', optional: true, repeat: true }],
  options: {
    concepts: { type: 'whole', min: 1, max: CONCEPTS.length, about: 'concepts to show', default: 4 },
    targets: { type: 'whole', min: 1, max: 100, about: 'targets per concept', default: 3 },
    'scene-seed': { type: 'whole', about: 'other scenes', default: 1 },
    out: { type: 'text', value: 'DIR', about: 'folder of the results', default: 'prosam-demo' },
    json: { type: 'flag', about: 'prints one JSON line a target on stdout' },
    ...REFERENCE_OPTIONS,
    ...under(
      'Your own photos',
      options({
        target: { type: 'text', repeat: true, value: 'IMAGE...', about: 'images to segment' },
        truth: { type: 'text', repeat: true, value: 'MASK...', about: 'true masks of the targets, in their order, to measure against' },
      }),
    ),
    ...ENGINE_OPTIONS,
  },
  exitCodes: { 0: 'done', 2: 'failed', 130: 'interrupted' },
  examples: ['prosam demo', 'prosam demo --reference cup.jpg --box 40,60,210,240 --target shelf.jpg table.jpg --out cups'],
});
