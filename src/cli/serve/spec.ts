/** Table of `prosam serve`. */
import { LOG_LEVELS } from '../../adapters/http/create-log.ts';
import { PRECISIONS } from '../../core/onnx/precision.ts';
import { configSchema, LEARNER_RUNS } from '../../server/config-schema.ts';
import { ENVIRONMENT_HELP } from '../../server/environment.ts';
import { DEVICE_CHOICES } from '../common/engine-options.ts';
import { command, options, under } from '../common/spec.ts';
import { SUMMARIES } from '../common/summaries.ts';

const defaults = configSchema.parse({});

/** Places of a store, as for `prosam serve`. */
export const STORE_OPTIONS = options({
  database: {
    ...{ type: 'text', value: 'URL' },
    about: 'SQLite file or postgres://user:password@host/database',
    otherwise: `as configured, else ${defaults.database}`,
  },
  objects: {
    ...{ type: 'text', value: 'URL' },
    about: 'folder or s3://bucket/prefix?endpoint=URL&region=REGION',
    otherwise: `as configured, else ${defaults.objects}`,
  },
  config: { type: 'text', value: 'FILE', about: 'configuration file', otherwise: 'prosam.config.ts, .js or .json in this folder' },
});

export const SERVE = command({
  name: 'serve',
  summary: SUMMARIES.serve,
  usage: ['[options]'],
  intro: [
    'Serves predictions, keeps accepted annotations, learns from them in the background, and deploys better versions by itself. All state lives in the folder ./prosam unless configured otherwise. Ctrl-C or SIGTERM lets requests finish, then ends.',
  ],
  options: {
    port: { type: 'whole', min: 0, max: 65_535, about: 'port to listen on', otherwise: defaults.port },
    host: {
      ...{ type: 'text', value: 'ADDRESS' },
      about: 'address to listen on; anything others can reach needs credentials, such as PROSAM_TOKEN',
      otherwise: defaults.host,
    },
    ...STORE_OPTIONS,
    model: { type: 'text', value: 'NAME|PATH', about: 'built-in model or model folder', otherwise: defaults.model },
    device: { type: 'choice', choices: DEVICE_CHOICES, about: 'device of the networks', otherwise: defaults.device },
    precision: {
      type: 'choice',
      choices: PRECISIONS,
      value: 'P',
      about: 'arithmetic of the networks (int8 is for CPUs, fp16 for GPUs)',
      otherwise: defaults.precision,
    },
    external: {
      ...{ type: 'text', value: 'URL|COMMAND' },
      about: 'system outside that the method external asks: an address, or a command line in quotes',
    },
    'image-folder': { type: 'text', value: 'DIR', about: 'root of the images that requests name by path' },
    'allow-host': { type: 'text', list: true, value: 'H[,H]', about: 'private hosts that images may come from' },
    learner: {
      ...{ type: 'choice', choices: LEARNER_RUNS, value: 'WHERE' },
      about: 'place of the training: in a process beside this one, in prosam learn elsewhere, or nowhere',
      otherwise: defaults.learner.run,
    },
    'log-level': {
      type: 'choice',
      choices: LOG_LEVELS,
      value: 'LEVEL',
      about: 'least level that is logged',
      otherwise: defaults.log.level,
    },
    ...under(
      'Output',
      options({
        'print-config': { type: 'flag', about: 'shows the settings that apply, without secrets, and ends' },
        json: { type: 'flag', about: 'prints one JSON line {"url": ...} once it listens' },
      }),
    ),
  },
  notes: ['Environment (options win, then these, then the file):\n' + ENVIRONMENT_HELP],
  exitCodes: { 0: 'ended', 2: 'could not start' },
  examples: [
    'prosam serve',
    'PROSAM_TOKEN=... prosam serve --host 0.0.0.0',
    'prosam serve --database postgres://prosam@db/prosam --objects s3://masks/prosam --learner external',
  ],
});
