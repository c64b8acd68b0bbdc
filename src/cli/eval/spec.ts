/** Table of `prosam eval`. */
import { DEFAULT_MODEL } from '../../core/engine/defaults.ts';
import { DENSE, STRATEGIES } from '../../core/engine/strategy.ts';
import { SIZES } from '../../training/evaluation/result.ts';
import { ANNOTATION_MODES } from '../../training/types.ts';
import { GROW_OPTIONS, LABEL_REDUCTION_OPTION, METHOD_CHOICES, RUNTIME_OPTIONS, SAMPLING_OPTIONS } from '../common/engine-options.ts';
import { command, options, under } from '../common/spec.ts';
import { SUMMARIES } from '../common/summaries.ts';
import { DATA_OPTION } from '../train/spec.ts';

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
    ...FOLD_OPTION,
    pairs: { type: 'whole', min: 1, about: 'pairs a fold', default: 1000 },
    annotation: { type: 'choice', choices: ANNOTATION_MODES, value: 'KIND', about: 'annotation of the references', default: 'mask' },
    size: {
      ...{ type: 'choice', choices: SIZES },
      about: "size of the compared masks (the network's input size, as in the paper, or each target's own)",
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
    strategy: { type: 'choice', list: true, choices: STRATEGIES, value: 'S[,S]', about: 'strategies of prosam', default: 'mean_prompt' },
    dense: {
      ...{ type: 'choice', list: true, choices: DENSE, value: 'D[,D]' },
      about: "mask prompts of prosam: the model's, none as in the paper",
      default: 'model',
    },
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
  ],
  exitCodes: { 0: 'done', 2: 'failed', 130: 'interrupted' },
  examples: [
    'prosam eval --data photos --fold all --pairs 200 --method prosam,persam,nearest,refined',
    'prosam eval --data photos --model runs/first/model,runs/second/model --compare --out results',
  ],
});
