/** Tables of `prosam label-studio` and its sub-commands. */
import { CLEAN_OPTIONS } from '../common/engine-options.ts';
import { command, options, under, type GroupSpec } from '../common/spec.ts';
import { SUMMARIES } from '../common/summaries.ts';

const EXIT_CODES = { 0: 'no problems', 1: 'something is wrong', 2: 'not done' } as const;
const json = options({ json: { type: 'flag', about: 'prints one JSON document on stdout' } });
const OPTIONAL_PROJECT = options({ project: { type: 'whole', about: "number in the project's address" } });
const PROJECT = options({ project: { ...OPTIONAL_PROJECT.project, required: true } });

export const CONNECTION_OPTIONS = under(
  'Label Studio and this service',
  options({
    url: {
      ...{ type: 'text', value: 'URL' },
      about: 'address of Label Studio',
      otherwise: 'PROSAM_LABEL_STUDIO_URL (or LABEL_STUDIO_URL, as before), or labelStudio.url of the configuration',
    },
    token: {
      ...{ type: 'text', value: 'TOKEN' },
      about: 'personal access token or legacy token, see Account & Settings there',
      otherwise: 'PROSAM_LABEL_STUDIO_TOKEN or labelStudio.token where --url is labelStudio.url; LABEL_STUDIO_API_KEY, as before',
    },
    backend: {
      ...{ type: 'text', value: 'URL' },
      about: 'address at which Label Studio reaches prosam serve',
      otherwise: 'labelStudio.backendUrl, or the host and port of the configuration with /label-studio',
    },
    'from-here': { type: 'text', value: 'URL', about: 'the same service as reached from here, where that differs (containers)' },
    login: {
      ...{ type: 'text', value: 'USER:PASSWORD' },
      about: 'login of Label Studio at this service',
      otherwise: 'of auth.basic in the configuration',
    },
    config: { type: 'text', value: 'FILE', about: 'configuration file, as for prosam serve' },
  }),
);

export const LABEL_STUDIO_DOCTOR = command({
  name: 'label-studio doctor',
  summary: 'checks everything a connection needs, and prints the fix for each problem',
  usage: ['[--project N]'],
  options: { ...OPTIONAL_PROJECT, ...json, ...CONNECTION_OPTIONS },
  exitCodes: EXIT_CODES,
  examples: ['prosam label-studio doctor', 'prosam label-studio doctor --project 3'],
});

export const LABEL_STUDIO_CONNECT = command({
  name: 'label-studio connect',
  summary: "makes this service the project's model: connection, login, webhook",
  usage: ['--project N'],
  options: { ...PROJECT, ...json, ...CONNECTION_OPTIONS },
  exitCodes: EXIT_CODES,
  examples: ['prosam label-studio connect --project 3 --backend http://localhost:9090/label-studio'],
});

export const LABEL_STUDIO_ANNOTATE = command({
  name: 'label-studio annotate',
  summary: 'predicts every task that has no prediction of the current version, and stores the predictions',
  usage: ['--project N [--batch N] [--all]'],
  intro: [
    'Tasks that are done are not done again, so an interrupted run resumes. Without --backend or --from-here it runs a service of its own meanwhile.',
  ],
  options: {
    ...PROJECT,
    batch: { type: 'whole', min: 1, max: 100, about: 'tasks in one request', default: 8 },
    all: { type: 'flag', about: 'predicts annotated tasks, too' },
    ...CLEAN_OPTIONS,
    ...json,
    ...CONNECTION_OPTIONS,
  },
  exitCodes: EXIT_CODES,
  examples: ['prosam label-studio annotate --project 3'],
});

export const LABEL_STUDIO_SYNC = command({
  name: 'label-studio sync',
  summary: "has prosam serve compare its annotations with Label Studio's now",
  usage: ['--project N [--accept-removals] [--restore]'],
  options: {
    ...PROJECT,
    'accept-removals': { type: 'flag', about: 'removes all annotations that Label Studio no longer shows, however many they are' },
    restore: { type: 'flag', about: 'reactivates all annotations that Label Studio shows, also those removed here' },
    ...json,
    ...CONNECTION_OPTIONS,
  },
  exitCodes: EXIT_CODES,
  examples: ['prosam label-studio sync --project 3 --accept-removals'],
});

export const LABEL_STUDIO_TIDY = command({
  name: 'label-studio tidy',
  summary: "deletes this service's predictions of earlier versions that no annotation was begun from",
  usage: ['--project N [--all]'],
  options: {
    ...PROJECT,
    all: { type: 'flag', about: 'also of tasks without a prediction of the version in service' },
    ...json,
    ...CONNECTION_OPTIONS,
  },
  exitCodes: EXIT_CODES,
  examples: ['prosam label-studio tidy --project 3'],
});

export const LABEL_STUDIO: GroupSpec = {
  name: 'label-studio',
  summary: SUMMARIES['label-studio'],
  commands: [LABEL_STUDIO_DOCTOR, LABEL_STUDIO_CONNECT, LABEL_STUDIO_ANNOTATE, LABEL_STUDIO_SYNC, LABEL_STUDIO_TIDY],
  exitCodes: EXIT_CODES,
  examples: [
    'export PROSAM_LABEL_STUDIO_URL=http://localhost:8080 PROSAM_LABEL_STUDIO_TOKEN=...',
    'prosam label-studio doctor',
    ...LABEL_STUDIO_CONNECT.examples,
    ...LABEL_STUDIO_ANNOTATE.examples,
  ],
};
