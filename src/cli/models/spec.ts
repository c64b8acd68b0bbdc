/** Tables of `prosam models` and its sub-commands. */
import { SAM_RESIZES } from '../../core/image/preprocess.ts';
import { CATALOGUE } from '../../core/models/published-models.ts';
import { PRECISIONS } from '../../core/onnx/precision.ts';
import { BASE } from '../../service/serving.ts';
import { DEVICE_CHOICES } from '../common/engine-options.ts';
import { command, options, under, type GroupSpec } from '../common/spec.ts';
import { SUMMARIES } from '../common/summaries.ts';
import { STORE_OPTIONS } from '../serve/spec.ts';

const names = (role: 'sam' | 'backbone'): string =>
  CATALOGUE.filter((entry) => entry.role === role)
    .map((entry) => entry.name)
    .join(', ');

const DONE = { 0: 'done', 2: 'not done' } as const;
const json = options({ json: { type: 'flag', about: 'prints one JSON document on stdout' } });
const threads = options({
  threads: { type: 'whole', min: 0, about: 'CPU threads of the first run', otherwise: 'all cores' },
});
const NAME = [{ name: 'NAME', about: 'the model' }] as const;
const ID = [{ name: 'ID', about: 'the version' }] as const;
const STORE = under('Store of the versions', STORE_OPTIONS);
const PROJECT = options({ project: { type: 'text', value: 'P', about: 'project of the version', required: true } });
const REASON = options({ reason: { type: 'text', value: 'TEXT', about: 'reason, for the history', default: 'by hand' } });

/** Options of add and of pull. */
const ADD_OPTIONS = options({
  'prompt-encoder': {
    ...{ type: 'text', value: 'FILE' },
    about: 'a trained prompt encoder, or a VRP-SAM checkpoint, that belongs to this SAM and backbone',
  },
  license: { type: 'text', value: 'TEXT', about: 'license of the weights', otherwise: 'as the repository states' },
  resize: {
    ...{ type: 'choice', choices: SAM_RESIZES, value: 'R' },
    about: 'resizing of images',
    otherwise: 'stretch-float for SAM 2; else aligned with a backbone, longest-side without',
  },
  'image-size': {
    ...{ type: 'whole', min: 1, value: 'S' },
    about: "side of SAM's square input in pixels, for fine-tunes of SAM 2",
    otherwise: 'as config.json beside the weights says, or 1024',
  },
  force: { type: 'flag', about: 'replaces a model of the same name' },
  ...threads,
  ...json,
});

export const MODELS_LIST = command({
  name: 'models list',
  summary: 'models on this machine; with a store, versions that were learned',
  usage: ['[--project P]'],
  options: {
    ...json,
    ...under('Store of the versions', {
      ...options({ project: { type: 'text', value: 'P', about: 'only this project' } }),
      ...STORE_OPTIONS,
    }),
  },
  exitCodes: DONE,
  examples: ['prosam models list'],
});

export const MODELS_PULL = command({
  name: 'models pull',
  summary: 'weights from the Hugging Face hub, into the cache that other tools share',
  usage: ['NAME|OWNER/REPO [--backbone NAME|OWNER/REPO] [--as NAME] [options]'],
  intro: [`Models: ${names('sam')}; backbones: ${names('backbone')}.`],
  arguments: [{ name: 'NAME|OWNER/REPO', about: 'a published model, or any repository of the hub' }],
  options: {
    backbone: { type: 'text', value: 'NAME|OWNER/REPO', about: 'backbone to combine it with' },
    as: { type: 'text', value: 'NAME', about: 'name of the model', otherwise: "NAME, or the repository's" },
    revision: { type: 'text', value: 'R', about: 'branch, tag or commit', otherwise: 'main' },
    file: { type: 'text', value: 'F', about: 'file of the repository', otherwise: 'model.safetensors, or what there is' },
    'accept-license': { type: 'flag', about: 'agrees to licenses that are not open ones (Apache 2.0, MIT, BSD), without a question' },
    offline: { type: 'flag', about: 'uses only the cache (as HF_HUB_OFFLINE=1)' },
    ...ADD_OPTIONS,
  },
  notes: ['HF_ENDPOINT, HF_TOKEN, HF_HOME and HF_HUB_CACHE are read as other tools read them.'],
  exitCodes: { ...DONE, 130: 'interrupted (the next call resumes the download)' },
  examples: [
    'prosam models pull sam-vit-b',
    'prosam models pull sam2.1-tiny',
    'prosam models pull sam-vit-b --backbone dinov2-b --as sam-b-dino',
  ],
});

export const MODELS_ADD = command({
  name: 'models add',
  summary: 'weights of this machine; they stay where they are',
  usage: ['NAME --sam FILE [--backbone FILE] [--prompt-encoder FILE] [options]'],
  arguments: [{ name: 'NAME', about: 'name of the model' }],
  options: {
    sam: { type: 'text', value: 'FILE', about: 'weights of a SAM', required: true },
    backbone: { type: 'text', value: 'FILE', about: 'weights of a backbone' },
    ...ADD_OPTIONS,
  },
  exitCodes: DONE,
  examples: [
    'prosam models add mine --sam sam_vit_h_4b8939.pth --backbone resnet50_v2.pth --prompt-encoder vrp-sam.pt',
    'prosam models add medical --sam MedSAM2_latest.pt --image-size 512',
  ],
});

export const MODELS_INFO = command({
  name: 'models info',
  summary: 'architecture, files, license, expected memory and methods',
  usage: ['NAME'],
  arguments: NAME,
  options: json,
  exitCodes: DONE,
  examples: ['prosam models info small'],
});

export const MODELS_VERIFY = command({
  name: 'models verify',
  summary: 'reads every file again and computes a known answer',
  usage: ['NAME [--device DEVICE] [--precision P [--data DIR|FILE]]'],
  arguments: NAME,
  options: {
    device: { type: 'choice', choices: DEVICE_CHOICES, about: 'compares this device with the CPU' },
    precision: {
      ...{ type: 'choice', choices: PRECISIONS, value: 'P' },
      about: 'prints the differences to fp32 on the CPU, on generated scenes',
      default: 'fp32',
    },
    data: { type: 'text', value: 'DIR|FILE', about: 'measures a precision on pairs of these annotated images instead, as eval takes them' },
    pairs: { type: 'whole', default: 40, min: 1, value: 'N', about: 'pairs of them' },
    threads: { ...threads.threads, about: 'CPU threads' },
    ...json,
  },
  exitCodes: { 0: 'valid', 1: 'found something wrong', 2: 'not done' },
  examples: ['prosam models verify small', 'prosam models verify small --precision int8'],
});

export const MODELS_REMOVE = command({
  name: 'models remove',
  summary: 'the name of a model; weights elsewhere stay',
  usage: ['NAME'],
  arguments: NAME,
  options: json,
  exitCodes: DONE,
  examples: ['prosam models remove mine'],
});

export const MODELS_SHOW = command({
  name: 'models show',
  summary: 'a version that was learned',
  usage: ['ID'],
  arguments: ID,
  options: { ...json, ...STORE },
  exitCodes: DONE,
  examples: ['prosam models show v-1b2c'],
});

export const MODELS_DIFF = command({
  name: 'models diff',
  summary: `metrics of two versions side by side, and the changes of their weights ("${BASE}": the model's own)`,
  usage: ['ID OTHER'],
  arguments: [...ID, { name: 'OTHER', about: 'the version to compare with' }],
  options: { ...json, ...STORE },
  exitCodes: DONE,
  examples: [`prosam models diff ${BASE} v-1b2c`],
});

export const MODELS_PROMOTE = command({
  name: 'models promote',
  summary: 'deploys a version',
  usage: ['ID [--project P] [--reason TEXT]'],
  arguments: ID,
  options: {
    project: { ...PROJECT.project, required: false, otherwise: "the version's own" },
    ...REASON,
    ...json,
    ...STORE,
  },
  exitCodes: DONE,
  examples: ['prosam models promote v-1b2c', `prosam models promote ${BASE} --project cups`],
});

export const MODELS_ROLLBACK = command({
  name: 'models rollback',
  summary: 'deploys the version before the live one',
  usage: ['--project P [--reason TEXT]'],
  options: { ...PROJECT, ...REASON, ...json, ...STORE },
  exitCodes: DONE,
  examples: ['prosam models rollback --project cups --reason "handles are missing"'],
});

export const MODELS: GroupSpec = {
  name: 'models',
  summary: SUMMARIES.models,
  commands: [
    ...[MODELS_LIST, MODELS_PULL, MODELS_ADD, MODELS_INFO, MODELS_VERIFY, MODELS_REMOVE],
    ...[MODELS_SHOW, MODELS_DIFF, MODELS_PROMOTE, MODELS_ROLLBACK],
  ],
  notes: [
    "Models are stored in $PROSAM_MODELS, or in this platform's data folder. Versions that were learned are in the store, whether or not a service runs.",
  ],
  exitCodes: { 0: 'done', 1: 'verify found something wrong', 2: 'not done', 130: 'interrupted' },
  examples: [
    ...MODELS_PULL.examples,
    ...MODELS_ADD.examples,
    'prosam segment --model sam-vit-b --reference cup.jpg --box 40,60,210,240 --target-dir photos --out masks',
    ...MODELS_ROLLBACK.examples,
  ],
};
