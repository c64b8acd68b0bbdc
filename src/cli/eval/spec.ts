/** Table of `prosam eval`. */
import { DEFAULT_MODEL } from '../../core/engine/defaults.ts';
import { DENSE, STRATEGIES } from '../../core/engine/strategy.ts';
import { MAX_RIVAL_IMAGES } from '../../core/engine/trust/rivals.ts';
import { PROMPT_KINDS } from '../../training/evaluation/result.ts';
import { TEST_IMAGES } from '../../training/datasets/options.ts';
import { ANNOTATION_MODES } from '../../training/types.ts';
import {
  CLEAN_OPTIONS,
  EXTERNAL_OPTION,
  GROW_OPTIONS,
  LABEL_REDUCTION_OPTION,
  MAX_POINTS_OPTION,
  METHOD_CHOICES,
  RUNTIME_OPTIONS,
  SAMPLING_OPTIONS,
} from '../common/engine-options.ts';
import { READING_OPTIONS } from '../common/reading-options.ts';
import { command, options, under } from '../common/spec.ts';
import { SUMMARIES } from '../common/summaries.ts';
import { MAX_SHOTS } from '../../training/evaluation/more-references.ts';
import { CROWDS_OPTION, DATA_OPTION } from '../train/spec.ts';

/** Folds of train data that eval and study measure. */
export const FOLD_OPTION = options({
  fold: {
    ...{ type: 'text', value: 'F[,F]' },
    about: '0, 1, ...: the classes of that fold; all: every fold; unsplit: every class, on held-out images',
    default: 'all',
  },
});

export const EVAL = command({
  name: 'eval',
  summary: SUMMARIES.eval,
  usage: ['--data DIR|FILE [options]'],
  intro: [
    "Every entry predicts the same pairs of reference and target with the same annotations, next to two trivial baselines: the reference's mask copied unchanged, and everything foreground.",
  ],
  options: {
    ...DATA_OPTION,
    ...CROWDS_OPTION,
    ...FOLD_OPTION,
    ...READING_OPTIONS,
    pairs: { type: 'whole', min: 1, about: 'pairs a fold', default: 1000 },
    annotation: { type: 'choice', choices: ANNOTATION_MODES, value: 'KIND', about: 'annotation of the references', default: 'mask' },
    prompts: {
      ...{ type: 'choice', list: true, choices: PROMPT_KINDS, value: 'P[,P]' },
      about: "measures SAM's own prompts, too: a box, or 1 to 6 clicks, on one object of each target",
    },
    trust: {
      type: 'flag',
      about: 'looks for every reference in a target without its class, too, and holds score and presence against what came of them',
    },
    others: {
      ...{ type: 'whole', min: 0, max: MAX_RIVAL_IMAGES, value: 'N' },
      about: 'shows N images without the class beside every pair, which makes presence better',
      otherwise: 0,
    },
    shots: {
      ...{ type: 'whole', min: 1, max: MAX_SHOTS, value: 'N' },
      about: 'references of every pair; the further ones are other images of its class among those tested',
      default: 1,
    },
    'test-on': {
      ...{ type: 'choice', choices: TEST_IMAGES, value: 'IMAGES' },
      about: 'images of an own folder: those held back from training, or all, for models that were not trained on them',
      default: 'held-back',
    },
    size: {
      ...{ type: 'text', value: 'SIZE' },
      about: "size of the compared masks: network (its input size, as in the paper), own (each target's) or a number of pixels a side",
      default: 'network',
    },
    model: {
      ...{ type: 'text', list: true, value: 'M[,M]' },
      about:
        "built-in models or model folders; {fold} in a path stands for the fold's name, so that every fold is predicted by the model trained for it",
      default: DEFAULT_MODEL,
      environment: 'PROSAM_MODEL',
    },
    method: { type: 'choice', list: true, choices: METHOD_CHOICES, value: 'M[,M]', about: 'methods', default: 'prosam' },
    external: { ...EXTERNAL_OPTION.external, about: `${EXTERNAL_OPTION.external.about}; it joins the methods` },
    strategy: { type: 'choice', list: true, choices: STRATEGIES, value: 'S[,S]', about: 'strategies of prosam', default: 'mean_prompt' },
    dense: {
      ...{ type: 'choice', list: true, choices: DENSE, value: 'D[,D]' },
      about: "mask prompts of prosam: the model's, none as in the paper",
      default: 'model',
    },
    ...MAX_POINTS_OPTION,
    ...CLEAN_OPTIONS,
    ...under(
      'Output',
      options({
        compare: { type: 'flag', about: "adds paired differences to the first entry, and the paper's published rows next to ours" },
        out: {
          ...{ type: 'text', value: 'DIR' },
          about:
            'writes evaluation.json (every pair) and evaluation.html (with the best, median and worst pairs), over those of another evaluation and nothing else',
        },
        json: { type: 'flag', about: 'prints one JSON line an entry on stdout' },
      }),
    ),
    ...under('Model', {
      ...RUNTIME_OPTIONS,
      ...SAMPLING_OPTIONS,
      ...LABEL_REDUCTION_OPTION,
      ...GROW_OPTIONS,
      seed: { ...SAMPLING_OPTIONS.seed, about: 'draws pairs, annotations, samples and intervals' },
    }),
  },
  notes: [
    "--label-reduction nearest is what the paper's code does to annotations.",
    'mIoU: per class, intersections summed over all pairs divided by unions summed, averaged over the classes of each fold, then over folds. The interval draws the pairs again within each class, 1000 times.',
    '--prompts: the object is the largest connected region of the class, counted once per target. A box is tight. The first click is in the middle of the object (the pixel farthest from its border), each later one in the middle of the largest connected region that is missed or wrongly covered; it sees all clicks before it and the logits of the last mask. Nothing in this is drawn at random but the pairs.',
  ],
  exitCodes: { 0: 'done', 2: 'failed', 130: 'interrupted' },
  examples: [
    'prosam eval --data photos --fold all --pairs 200 --method prosam,persam,nearest,refined',
    'prosam eval --data photos --fold all --pairs 200 --external http://127.0.0.1:8700',
    'prosam eval --data photos --fold unsplit --test-on all --pairs 120 --prompts box,points --size 256',
    'prosam eval --data photos --model runs/first/model,runs/second/model --compare --out results',
  ],
});
