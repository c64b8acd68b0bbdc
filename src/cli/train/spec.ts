/** Table of `prosam train`. */
import { CROWDS } from '../../training/datasets/options.ts';
import { DISTRIBUTIONS } from '../../core/networks/prompt-distribution.ts';
import { TRAINING_ENGINES } from '../../training/tfjs/engine-packages.ts';
import { SCHEDULES } from '../../training/step/schedule.ts';
import { checkedOptions } from '../../training/train-options.ts';
import { ANNOTATION_MODES } from '../../training/types.ts';
import { DEVICE_CHOICES, LABEL_REDUCTION_OPTION } from '../common/engine-options.ts';
import { READING_OPTIONS } from '../common/reading-options.ts';
import { command, options, under } from '../common/spec.ts';
import { SUMMARIES } from '../common/summaries.ts';

const defaults = checkedOptions({ out: '.' });

export const TRAINING_ENGINE_CHOICES = ['auto', ...TRAINING_ENGINES] as const;

/** Data of train, eval and study. */
export const DATA_OPTION = options({
  data: {
    ...{ type: 'text', value: 'DIR|FILE', required: true },
    about:
      'annotated images: PASCAL-5i, COCO-20i, a folder with images/, masks/ and classes.json, a suite file, or an export of YOLO-seg, COCO, CVAT, labelme, Datumaro, Pascal VOC or Label Studio',
  },
});

/** Reading of COCO's crowds in train, eval and study. */
export const CROWDS_OPTION = options({
  crowds: {
    ...{ type: 'choice', choices: CROWDS, value: 'HOW' },
    about: "COCO's iscrowd annotations: ignored pixels, or objects",
    otherwise: 'ignore; objects where all are crowds',
  },
});

const TRAIN_DATA_OPTION = options({
  data: {
    ...{ type: 'text', value: 'DIR|FILE[:W]', required: true, repeat: true },
    about: `${DATA_OPTION.data.about}; several are mixed by their weights W`,
  },
});

export const ANNOTATION_OPTION = options({
  annotation: {
    ...{ type: 'choice', choices: ANNOTATION_MODES, value: 'KIND' },
    about: 'annotation of the references',
    otherwise: defaults.annotation,
  },
});

const LENGTH = options({
  epochs: { type: 'whole', min: 1, about: 'epochs of the run', otherwise: defaults.epochs },
  steps: { type: 'whole', min: 1, about: 'ends the run after N steps' },
  pairs: { type: 'whole', min: 0, about: 'validation pairs; 0: no validation, and no best/', otherwise: defaults.validationPairs },
  'validate-every': { type: 'whole', min: 1, about: 'epochs between validations', otherwise: defaults.validateEvery },
  patience: { type: 'whole', min: 1, about: 'ends after N validations without improvement', otherwise: 'never' },
  'checkpoint-every': { type: 'whole', min: 1, about: 'steps between checkpoints', otherwise: defaults.checkpointEvery },
});

const HYPERPARAMETERS = options({
  distribution: {
    ...{ type: 'choice', choices: DISTRIBUTIONS, value: 'D' },
    about: 'distribution that prompts are drawn from (deterministic is VRP-SAM)',
    otherwise: defaults.distribution,
  },
  nu: { type: 'number', about: 'degrees of freedom', otherwise: defaults.nu },
  samples: { type: 'whole', min: 1, value: 'K', about: 'prompt sets drawn a step', otherwise: defaults.samples },
  batch: { type: 'whole', min: 1, about: 'pairs a step', otherwise: defaults.batch },
  lr: { type: 'number', about: 'learning rate', otherwise: defaults.lr },
  schedule: {
    type: 'choice',
    choices: SCHEDULES,
    value: 'S',
    about: 'schedule of the learning rate; cosine falls once over all --epochs, however few --steps are made',
    otherwise: defaults.schedule,
  },
  'restart-epochs': { type: 'number', about: 'epochs of the first cycle', otherwise: defaults.restartEpochs },
  'weight-decay': { type: 'number', about: 'weight decay', otherwise: defaults.weightDecay },
  dropout: { type: 'number', about: 'share of channels dropped', otherwise: "the model's" },
  ...LABEL_REDUCTION_OPTION,
  seed: { type: 'whole', min: 0, about: 'same seed, same run', otherwise: defaults.seed },
});

const EXTRAS = options({
  keep: {
    type: 'number',
    min: 0,
    about: 'holds the encoder to its first answers with this weight',
    otherwise: '10 with up to 100 images, else 0; 0 from scratch',
  },
  'clip-norm': { type: 'number', about: 'largest norm of a gradient' },
  'average-decay': { type: 'number', about: 'keeps a moving average of the weights, such as 0.999' },
  flip: { type: 'flag', about: 'mirrors every other pair' },
  jitter: { type: 'whole', min: 0, about: 'draws from N kinds of changed colors' },
  crops: { type: 'whole', min: 0, about: 'draws from N fixed crops of every image with changed colors, each computed once' },
  absent: { type: 'number', min: 0, max: 1, about: 'share of targets that do not show the class', otherwise: defaults.absent },
  marks: {
    ...{ type: 'number', min: 0, max: 1, otherwise: defaults.marks },
    about: 'share of references marked by boxes, points or scribbles, turned into objects',
  },
});

export const TRAIN = command({
  name: 'train',
  summary: SUMMARIES.train,
  usage: ['--data DIR|FILE --out DIR [options]'],
  intro: [
    'Trains the prompt encoder of a model; SAM and the backbone stay frozen. Ctrl-C ends it after the current step with a checkpoint; the same command with --resume continues, to the same weights as a run that was never stopped, also after kill -9.',
  ],
  options: {
    ...TRAIN_DATA_OPTION,
    ...CROWDS_OPTION,
    out: {
      ...{ type: 'text', value: 'DIR', required: true },
      about: 'one folder a run: model folders best/ and last/, report.html, metrics.jsonl, checkpoint.safetensors',
    },
    resume: { type: 'flag', about: "continues from DIR's checkpoint" },
    fold: {
      ...{ type: 'text', value: 'F' },
      about:
        "0, 1, ... leaves that fold's classes out of training and validates on them; unsplit: every class, validated on held-out images",
      otherwise: '0, unsplit where the data have no folds',
    },
    ...ANNOTATION_OPTION,
    ...READING_OPTIONS,
    model: {
      ...{ type: 'text', value: 'NAME|PATH' },
      about: 'model whose frozen networks are used; training starts from its prompt encoder',
      otherwise: defaults.model,
      environment: 'PROSAM_MODEL',
    },
    'from-scratch': { type: 'flag', about: 'starts from random weights instead' },
    'warm-start': { type: 'text', value: 'FILE', about: 'starts from this prompt encoder: safetensors, or a VRP-SAM checkpoint' },
    ...under('Length of the run', LENGTH),
    ...under("Training (the defaults are the paper's)", HYPERPARAMETERS),
    ...under('Off by default, not in the paper', EXTRAS),
    ...under(
      'Machine and output',
      options({
        engine: { type: 'choice', choices: TRAINING_ENGINE_CHOICES, about: 'training engine, see prosam setup', default: 'auto' },
        device: { type: 'choice', choices: DEVICE_CHOICES, about: 'device of the frozen networks', otherwise: defaults.device },
        threads: { type: 'whole', min: 0, about: 'CPU threads of the frozen networks', otherwise: 'all cores' },
        cache: {
          ...{ type: 'text', value: 'DIR' },
          about: 'features of the frozen networks, computed once an image',
          otherwise: "features beside the run's folder",
        },
        json: { type: 'flag', about: 'prints one JSON line an event on stdout' },
      }),
    ),
  },
  exitCodes: { 0: 'done', 2: 'failed (what was learned is kept)', 130: 'interrupted' },
  examples: [
    'prosam train --data photos --out runs/first --epochs 30 --patience 5',
    'prosam train --data photos:3 --data scenes:1 --out runs/mixed --crops 2 --absent 0.12 --marks 0.25',
    'prosam train --data photos --out runs/points --annotation point --label-reduction any --model runs/first/best',
  ],
});
