/** Table of `prosam learn`. */
import { LEARNER_DEFAULTS } from '../../learner/settings.ts';
import { TRAINING_ENGINES } from '../../training/tfjs/engine-packages.ts';
import { command, options, under } from '../common/spec.ts';
import { SUMMARIES } from '../common/summaries.ts';
import { STORE_OPTIONS } from '../serve/spec.ts';

/** Exit code for too much memory, as sysexits.h has it: try again. */
export const EXIT_TRY_AGAIN = 75;

export const LEARN = command({
  name: 'learn',
  summary: SUMMARIES.learn,
  usage: ['[options]'],
  intro: [
    'Watches the projects of a store. Once enough was annotated it trains the prompt encoder from the live version, compares both on held-out images, and deploys the better one; where the model has none, it begins one, and compares it with the methods that need no training. Ctrl-C ends it after the current step; the next start resumes, also after kill -9. Any number of learners may share a store.',
  ],
  options: {
    ...STORE_OPTIONS,
    project: { type: 'text', list: true, value: 'P[,P]', about: 'only these projects', otherwise: 'all' },
    once: { type: 'flag', about: 'looks once, runs what is due, and ends' },
    now: { type: 'flag', about: 'with --once and --project: runs whether or not a run is due' },
    work: {
      ...{ type: 'text', value: 'DIR' },
      about: 'folder of runs and image features, on this machine alone',
      otherwise: LEARNER_DEFAULTS.workDir,
    },
    model: { type: 'text', value: 'NAME|PATH', about: 'model whose frozen networks are used', otherwise: LEARNER_DEFAULTS.model },
    settings: {
      ...{ type: 'text', value: 'JSON|FILE' },
      about: 'any of the learner\'s settings, such as {"minNewMasks":20,"quietHours":{"starts":"0 8 * * 1-5","minutes":600}}',
    },
    ...under(
      'Training',
      options({
        steps: { type: 'whole', min: 1, about: 'steps of a run', otherwise: LEARNER_DEFAULTS.steps },
        batch: { type: 'whole', min: 1, about: 'pairs a step', otherwise: LEARNER_DEFAULTS.batch },
        samples: { type: 'whole', min: 1, value: 'K', about: 'prompt sets drawn a step', otherwise: LEARNER_DEFAULTS.samples },
        lr: { type: 'number', about: 'learning rate', otherwise: LEARNER_DEFAULTS.lr },
        engine: {
          ...{ type: 'choice', choices: ['auto', ...TRAINING_ENGINES] },
          about: 'training engine, see prosam setup',
          otherwise: LEARNER_DEFAULTS.engine,
        },
        threads: { type: 'whole', min: 0, about: 'CPU threads; 0 uses all cores', otherwise: LEARNER_DEFAULTS.threads },
      }),
    ),
    ...under('Output', options({ json: { type: 'flag', about: 'prints one JSON line an event on stdout' } })),
  },
  exitCodes: {
    0: 'ended or nothing more to do',
    1: 'a run failed (with --once)',
    2: 'failed',
    [EXIT_TRY_AGAIN]: 'too much memory: start it again',
  },
  examples: ['prosam learn', 'prosam learn --once --now --project cups'],
});
