/** Table of `prosam study`. */
import { STUDIES } from '../../training/study/study-result.ts';
import { studySettings } from '../../training/study/study-options.ts';
import { VARIANT_NAMES } from '../../training/study/variants.ts';
import type { Dataset } from '../../training/types.ts';
import { LABEL_REDUCTION_OPTION, RUNTIME_OPTIONS } from '../common/engine-options.ts';
import { READING_OPTIONS } from '../common/reading-options.ts';
import { command, options, under } from '../common/spec.ts';
import { SUMMARIES } from '../common/summaries.ts';
import { FOLD_OPTION } from '../eval/spec.ts';
import { ANNOTATION_OPTION, CROWDS_OPTION, DATA_OPTION, TRAINING_ENGINE_CHOICES } from '../train/spec.ts';

const defaults = studySettings({ dataset: { folds: 0 } as Dataset, out: '.' });

export const STUDY = command({
  name: 'study',
  summary: SUMMARIES.study,
  usage: ['STUDY --data DIR|FILE --out DIR [options]'],
  arguments: [{ name: 'STUDY', about: 'the study', choices: STUDIES }],
  intro: [
    `Studies:
  distributions    what prompts are drawn from in training, and how large the noise is (tables 4 and 7)
  strategies       the mean prompt against five merges of K samples (table 8)
  backbones        several --model folders with different backbones (tables 5 and 9)
  annotations      masks, scribbles, boxes, points: one encoder trained for each (table 1)
  domain-shift     trained on --data, tested on classes of --test-data it has not seen (table 3)
  prompt-region    prompts learned directly for one image: many single ones, one distribution (section 5.3)
  flatness         curvature of the loss at the prompts, and masks under growing noise (section 7)`,
  ],
  options: {
    ...under('Data and models', {
      ...DATA_OPTION,
      ...CROWDS_OPTION,
      ...options({
        'test-data': { type: 'text', value: 'DIR|FILE', about: 'domain-shift: data to test on' },
        model: {
          ...{ type: 'text', list: true, value: 'M[,M]' },
          about:
            'built-in models or model folders whose frozen parts are used; several for backbones. Encoders start from random weights: a trained one may know the classes it is tested on',
          otherwise: defaults.models.join(','),
          environment: 'PROSAM_MODEL',
        },
        trained: {
          ...{ type: 'text', list: true, value: 'M[,M]' },
          about:
            "strategies, annotations, domain-shift, flatness: studies these trained models and trains nothing; {fold} in a path stands for the fold's name",
        },
      }),
      ...FOLD_OPTION,
      ...READING_OPTIONS,
      ...ANNOTATION_OPTION,
      ...LABEL_REDUCTION_OPTION,
      ...options({
        pairs: {
          ...{ type: 'whole', min: 1 },
          about: 'test pairs a fold; prompt-region: images',
          otherwise: '1000; flatness 100, prompt-region 1',
        },
      }),
    }),
    ...under(
      'Training',
      options({
        seeds: { type: 'whole', list: true, min: 0, value: 'N[,N]', about: 'a run for each', otherwise: defaults.seeds.join(',') },
        variants: {
          ...{ type: 'choice', list: true, choices: VARIANT_NAMES, value: 'V[,V]' },
          about: 'training variants',
          otherwise: "the study's choice",
        },
        steps: {
          ...{ type: 'whole', min: 1 },
          about: 'one cosine over N steps',
          otherwise: '100 epochs with restarts every 15, as in the paper',
        },
        batch: { type: 'whole', min: 1, about: 'pairs a step', otherwise: defaults.batch },
        samples: { type: 'whole', min: 1, value: 'K', about: 'prompt sets drawn a step', otherwise: defaults.samples },
        lr: { type: 'number', about: 'learning rate', otherwise: '1e-4, as in the paper; prompt-region 1' },
        engine: { type: 'choice', choices: TRAINING_ENGINE_CHOICES, about: 'training engine, see prosam setup', default: 'auto' },
        runs: {
          ...{ type: 'text', value: 'DIR' },
          about: 'folder of the trained runs; studies that share DIR share their runs',
          otherwise: 'runs/ in --out',
        },
      }),
    ),
    ...under(
      'prompt-region and flatness',
      options({
        starts: { type: 'whole', min: 1, about: 'prompt-region: single prompts learned', otherwise: defaults.starts },
        'start-std': {
          type: 'number',
          min: 0,
          about: 'prompt-region: standard deviation of the starts',
          otherwise: defaults.startDeviation,
        },
        'search-steps': { type: 'whole', min: 1, about: 'prompt-region: most steps of a search', otherwise: defaults.searchSteps },
        probes: { type: 'whole', min: 1, about: 'flatness: random directions a pair', otherwise: defaults.probes },
      }),
    ),
    ...under('Output and machine', {
      ...options({
        out: {
          ...{ type: 'text', value: 'DIR', required: true },
          about: 'one folder a study: writes study.json and study.html; finished parts (cells/, runs/) are kept',
        },
        json: { type: 'flag', about: 'prints one JSON line with the result on stdout' },
      }),
      device: RUNTIME_OPTIONS.device,
      threads: RUNTIME_OPTIONS.threads,
      cache: { ...RUNTIME_OPTIONS.cache, otherwise: 'features/ in --out' },
    }),
  },
  exitCodes: { 0: 'done', 2: 'failed', 130: 'interrupted' },
  examples: [
    'prosam study distributions --data scenes --steps 1500 --batch 8 --lr 5e-4 --seeds 321,322,323 --pairs 200 --out distributions',
    'prosam study flatness --data scenes --steps 1500 --batch 8 --lr 5e-4 --out flatness --runs distributions/runs',
    'prosam study prompt-region --data scenes --pairs 3 --starts 50 --out region',
  ],
});
