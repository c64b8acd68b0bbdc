/** Table of `prosam segment`. */
import { ENGINE_OPTIONS } from '../common/engine-options.ts';
import { HOLES_OPTION, TOLERANCE_OPTION } from '../common/outline-options.ts';
import { REFERENCE_OPTIONS } from '../common/reference-args.ts';
import { READING_OPTIONS } from '../common/reading-options.ts';
import { command, options, under } from '../common/spec.ts';
import { SUMMARIES } from '../common/summaries.ts';

export const FORMATS = ['png', 'rle', 'polygon', 'overlay'] as const;
export type Format = (typeof FORMATS)[number];

export const SEGMENT = command({
  name: 'segment',
  summary: SUMMARIES.segment,
  usage: ['--reference IMAGE ANNOTATION --target IMAGE... --out DIR [options]'],
  options: {
    ...REFERENCE_OPTIONS,
    ...under(
      'Targets and output',
      options({
        target: { type: 'text', repeat: true, value: 'IMAGE...', about: 'images to segment' },
        'target-dir': {
          type: 'text',
          value: 'DIR',
          about: 'every image in DIR by its content, whatever its ending; without hidden files and the masks and overlays that prosam made',
        },
        recursive: { type: 'flag', about: 'with --target-dir: folders inside DIR too' },
        without: {
          ...{ type: 'text', repeat: true, value: 'IMAGE...' },
          about: 'images that likely do not show it, at most 6 of which make it surer whether a target does',
        },
        out: {
          ...{ type: 'text', value: 'DIR', required: true },
          about:
            'folder of the results: NAME.png, with several labels NAME.LABEL.png; a short hash follows ~ where that is not safe everywhere or could mean two things',
        },
        force: {
          type: 'flag',
          about: 'makes existing results again, but overwrites nothing that prosam did not make or that was changed since',
        },
        format: {
          type: 'choice',
          choices: FORMATS,
          about: "format of the results (a png mask is 0 and 255 at the image's upright size)",
          default: 'png',
        },
        ...READING_OPTIONS,
        ...TOLERANCE_OPTION,
        ...HOLES_OPTION,
        instances: { type: 'flag', about: 'reports the separate objects of each mask too' },
        json: { type: 'flag', about: 'prints one JSON line a target on stdout, and with --target-dir a last one with the summary' },
      }),
    ),
    ...ENGINE_OPTIONS,
  },
  arguments: [{ name: 'IMAGE', about: 'more images to segment', optional: true, repeat: true }],
  exitCodes: {
    0: 'all done, whatever was left out',
    1: 'some targets failed (the others are done)',
    2: 'nothing done: wrong usage, reference or model',
    130: 'interrupted',
  },
  examples: [
    'prosam segment --reference cup.jpg --box 40,60,210,240 --target shelf.jpg --out masks',
    'prosam segment --reference a.png --mask a-mask.png --target-dir photos --out masks --json',
    'prosam segment --reference leaf.jpg --points 120,80 --negative 10,10 --target-dir photos --out masks --format overlay',
  ],
});
