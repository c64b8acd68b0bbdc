/** Tables of `prosam cvat` and its sub-commands. */
import { AGENT_KINDS } from '../../adapters/cvat/agent/api.ts';
import { DEFAULT_LEAST_PART } from '../../adapters/cvat/annotate/parts.ts';
import { SHAPE_FORMS } from '../../adapters/cvat/annotate/new-shapes.ts';
import { configSchema } from '../../server/config-schema.ts';
import { ENGINE_OPTIONS } from '../common/engine-options.ts';
import { TOLERANCE_OPTION } from '../common/outline-options.ts';
import { command, options, under, type GroupSpec } from '../common/spec.ts';
import { SUMMARIES } from '../common/summaries.ts';

const { host, port, cvat } = configSchema.parse({});
/** Address of the service on this machine. */
const SERVICE_URL = `http://${host}:${port}`;

export const CVAT_CONNECTION_OPTIONS = under(
  'CVAT',
  options({
    server: { type: 'text', value: 'URL', about: 'address of CVAT, as in the browser', otherwise: 'CVAT_URL' },
    token: {
      ...{ type: 'text', value: 'TOKEN' },
      about: 'personal access token, or the key of /api/auth/login',
      otherwise: 'CVAT_TOKEN',
    },
    user: { type: 'text', value: 'NAME', about: 'logs in instead, with the password in CVAT_PASSWORD' },
    organization: { type: 'text', value: 'SLUG', about: 'short name of the organization', otherwise: 'CVAT_ORGANIZATION' },
  }),
);

export const CVAT_ANNOTATE = command({
  name: 'cvat annotate',
  summary: 'masks for a whole task from one labeled frame',
  usage: ['--server URL --task N --reference-frame N [options]', '--server URL --task N --undo'],
  options: {
    task: { type: 'whole', min: 0, about: 'task to fill' },
    job: { type: 'whole', min: 0, about: 'job to fill instead: one part of a large task' },
    'reference-frame': {
      ...{ type: 'text', repeat: true, value: 'N,..' },
      about: 'frames where the objects are annotated, as masks, polygons, rectangles, ellipses or points',
    },
    labels: { type: 'text', list: true, value: 'NAME,..', about: 'labels to look for', otherwise: 'all that are annotated there' },
    frames: { type: 'text', value: 'A-B,N,..', about: 'frames to fill; the first frame is 0', otherwise: 'all others' },
    form: { type: 'choice', choices: SHAPE_FORMS, about: 'kind of shapes', otherwise: 'mask, or the only one the label allows' },
    ...TOLERANCE_OPTION,
    instances: { type: 'flag', about: 'uploads one shape for each separate object; outlines of one object share a group' },
    'least-part': {
      ...{ type: 'number', min: 0, max: 1, value: 'SHARE' },
      about: 'smallest part of a mask that gets a polygon, box or ellipse of its own, as a share of the largest; 0 keeps all',
      default: DEFAULT_LEAST_PART,
    },
    attributes: {
      ...{ type: 'flag' },
      about: "gives the shapes the attribute values of the reference's shapes, where those of a label agree; else CVAT's defaults",
    },
    ...under(
      'A running service instead of an engine here',
      options({
        url: { type: 'text', value: 'URL', about: 'address of the service (token: PROSAM_TOKEN)' },
        project: { type: 'text', value: 'NAME', about: 'its project; without --reference-frame its own references are used' },
      }),
    ),
    ...under(
      'Uploads and output',
      options({
        'dry-run': { type: 'flag', about: 'uploads nothing; draws what would be uploaded' },
        out: { type: 'text', value: 'DIR', about: 'folder of the images of a dry run', default: 'prosam-cvat-dry-run' },
        log: { type: 'text', value: 'FILE', about: 'log of the run: resumes it after a break, and --undo reads it' },
        replace: { type: 'flag', about: 'runs again: first removes what the run of that log uploaded and nobody changed since' },
        undo: { type: 'flag', about: 'removes the shapes that the run of that log uploaded and nobody changed since' },
        uploads: { type: 'text', value: 'DIR', about: 'record of the uploads, for a service that learns', default: cvat.uploads },
        json: { type: 'flag', about: 'prints one JSON line a frame on stdout' },
      }),
    ),
    ...CVAT_CONNECTION_OPTIONS,
    ...ENGINE_OPTIONS,
  },
  exitCodes: { 0: 'all done', 1: 'some frames failed', 2: 'nothing done', 130: 'interrupted' },
  examples: [
    'CVAT_TOKEN=... prosam cvat annotate --server http://localhost:8080 --task 12 --reference-frame 0 --dry-run',
    'CVAT_TOKEN=... prosam cvat annotate --server http://localhost:8080 --task 12 --reference-frame 0',
    'CVAT_TOKEN=... prosam cvat annotate --server http://localhost:8080 --task 12 --reference-frame 0 --form polygon --instances --attributes',
    'CVAT_TOKEN=... prosam cvat annotate --server http://localhost:8080 --task 12 --undo',
  ],
});

export const CVAT_UNDO = command({
  name: 'cvat undo',
  summary: "removes what CVAT's own automatic annotation with prosam added and nobody changed",
  usage: ['--server URL --task N [options]'],
  intro: [
    'A shape is removed where its frame is an image that this prosam was asked about, and the shape is what it answered. All others stay, with the reason.',
  ],
  options: {
    task: { type: 'whole', min: 0, about: 'task to clean' },
    job: { type: 'whole', min: 0, about: 'job to clean instead: one part of a large task' },
    labels: { type: 'text', list: true, value: 'NAME,..', about: 'labels of the task to look at', otherwise: 'all' },
    frames: { type: 'text', value: 'A-B,N,..', about: 'frames to look at; the first frame is 0', otherwise: 'all' },
    mapping: {
      ...{ type: 'text', list: true, value: 'ANSWERED=LABEL,..' },
      about: "labels of the task by those of prosam's project, where other ones were chosen in CVAT",
      otherwise: 'the same names',
    },
    uploads: {
      type: 'text',
      value: 'DIR',
      about: 'folder of the service with the record of its answers',
      otherwise: 'cvat.uploads of the configuration',
    },
    config: { type: 'text', value: 'FILE', about: 'configuration file, as for prosam serve' },
    'dry-run': { type: 'flag', about: 'removes nothing, and says what would be removed' },
    json: { type: 'flag', about: 'prints every shape of a program and what became of it, as one JSON object' },
    ...CVAT_CONNECTION_OPTIONS,
  },
  exitCodes: {
    0: 'done',
    1: 'done, and shapes stay of which nobody can tell whose they are',
    2: 'not done',
    130: 'interrupted',
  },
  examples: [
    'CVAT_TOKEN=... prosam cvat undo --server http://localhost:8080 --task 12 --dry-run',
    'CVAT_TOKEN=... prosam cvat undo --server http://localhost:8080 --task 12 --labels cup --frames 0-99',
  ],
});

export const CVAT_IMPORT = command({
  name: 'cvat import',
  summary: 'masks from jobs of CVAT that people finished before, through a running service',
  usage: ['--project N [options]', '--task N [options]'],
  options: {
    project: { type: 'whole', min: 0, about: 'project of CVAT, by its number in the address' },
    task: { type: 'whole', min: 0, about: 'one task instead' },
    url: { type: 'text', value: 'URL', about: 'address of the running service (token: PROSAM_TOKEN)', default: SERVICE_URL },
    json: { type: 'flag', about: 'prints the numbers as JSON' },
  },
  exitCodes: { 0: 'done', 2: 'not done' },
  examples: ['prosam cvat import --project 3'],
});

export const CVAT_DOCTOR = command({
  name: 'cvat doctor',
  summary: 'problems of the connection, with the fix for each',
  usage: ['--server URL [--url URL] [--json]'],
  options: {
    url: {
      ...{ type: 'text', value: 'URL' },
      about: "address of prosam as CVAT's containers see it",
      default: 'http://host.docker.internal:8070',
    },
    json: { type: 'flag', about: 'prints the findings as JSON' },
    ...CVAT_CONNECTION_OPTIONS,
  },
  exitCodes: { 0: 'no problems', 1: 'something is wrong', 2: 'not done' },
  examples: ['prosam cvat doctor --server http://localhost:8080'],
});

export const CVAT_FUNCTION_FILE = command({
  name: 'cvat function-file',
  summary: 'a function file for `cvat-cli task auto-annotate`',
  usage: ['[--url URL] [--project NAME]'],
  options: {
    url: { type: 'text', value: 'URL', about: 'address of the running service', default: SERVICE_URL },
    project: { type: 'text', value: 'NAME', about: 'project whose references are used', default: '' },
  },
  exitCodes: { 0: 'done', 2: 'not done' },
  examples: ['prosam cvat function-file --project kitchen > prosam_function.py'],
});

export const CVAT_AGENT = command({
  name: 'cvat agent',
  summary: 'serves CVAT Enterprise or Online as an agent (experimental)',
  usage: ['--server URL --url URL --project NAME [options]'],
  options: {
    url: { type: 'text', value: 'URL', about: 'address of the running service (token: PROSAM_TOKEN)', required: true },
    project: { type: 'text', value: 'NAME', about: 'its project', required: true },
    kinds: {
      type: 'choice',
      list: true,
      choices: AGENT_KINDS,
      value: 'KIND,..',
      about: 'functions to serve',
      default: AGENT_KINDS.join(','),
    },
    name: { type: 'text', value: 'NAME', about: 'name shown in CVAT', default: 'prosam' },
    config: { type: 'text', value: 'FILE', about: 'configuration file, as for prosam serve' },
    threshold: {
      ...ENGINE_OPTIONS.threshold,
      about: 'least probability of a concept where CVAT names none; 0 gives every mask (otherwise: cvat.threshold of the configuration)',
    },
    public: { type: 'flag', about: 'for everybody in the organization, not only the owner of the token' },
    ...CVAT_CONNECTION_OPTIONS,
  },
  exitCodes: { 0: 'ended', 2: 'failed' },
  examples: ['CVAT_TOKEN=... prosam cvat agent --server "$CVAT_URL" --url http://127.0.0.1:9090 --project kitchen'],
});

export const CVAT: GroupSpec = {
  name: 'cvat',
  summary: SUMMARIES.cvat,
  commands: [CVAT_ANNOTATE, CVAT_UNDO, CVAT_IMPORT, CVAT_DOCTOR, CVAT_FUNCTION_FILE, CVAT_AGENT],
  exitCodes: { 0: 'all done', 1: 'some frames failed or something is wrong', 2: 'nothing done', 130: 'interrupted' },
  examples: [...CVAT_ANNOTATE.examples, ...CVAT_DOCTOR.examples, ...CVAT_FUNCTION_FILE.examples],
};
