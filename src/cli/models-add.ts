/** `prosam models add`: a model from weights that are on this machine. */
import { stat } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import type { ModelWeights } from '../core/models/detect-model.ts';
import { checkModelName } from '../core/checkpoint/model-paths.ts';
import { addModel, type AddModelOptions } from '../core/models/add.ts';
import type { MarkedPicture } from '../core/models/compare-precision.ts';
import { inspectModel } from '../core/models/inspect.ts';
import { conceptMask, generateScene } from '../scenes/index.ts';
import { whatIs, millions } from './models-list.ts';
import { bytesText, createByteProgress } from './progress.ts';
import type { Terminal } from './terminal.ts';
import { choice, EXIT, oneName, UsageError, wholeNumber } from './usage.ts';

const text = { type: 'string' } as const;
const flag = { type: 'boolean' } as const;

const RESIZES = ['aligned', 'longest-side', 'stretch'] as const;

/** Of add and of pull. */
export const ADD_OPTIONS = { 'prompt-encoder': text, license: text, resize: text, threads: text, force: flag, json: flag } as const;
export type AddValues = Partial<Record<'prompt-encoder' | 'license' | 'resize' | 'threads', string>> & { force?: boolean; json?: boolean };

/** -> exit code */
export async function addModelCommand(args: readonly string[], terminal: Terminal): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: { ...ADD_OPTIONS, sam: text, backbone: text },
  });
  const name = oneName('add', positionals);
  if (values.sam === undefined) throw new UsageError('models add: expected --sam FILE with the weights of a SAM.');
  const weights = { sam: values.sam, ...(values.backbone !== undefined && { backbone: values.backbone }) };
  return keepModel(name, weights, values, terminal);
}

/** Adds it, saying how far it is, and what has become of it. -> exit code */
export async function keepModel(
  name: string,
  weights: ModelWeights,
  values: AddValues,
  { print, warn, signal }: Terminal,
  from: Pick<AddModelOptions, 'about' | 'license'> = {},
): Promise<number> {
  checkModelName(name);
  const encoder = values['prompt-encoder'];
  const progress = hashProgress();
  const { folder, notes } = await addModel(
    name,
    { ...weights, ...(encoder !== undefined && { promptEncoder: encoder }) },
    {
      ...from,
      ...(values.license !== undefined && { license: values.license }),
      ...(values.resize !== undefined && { resize: choice('resize', values.resize, RESIZES) }),
      ...(values.threads !== undefined && { threads: wholeNumber('threads', values.threads) }),
      ...{ force: values.force ?? false, picture: knownPicture(), signal, onHashed: progress.read },
      onRun() {
        progress.clear();
        if (process.stderr.isTTY) warn('running it once ...');
      },
    },
  ).finally(progress.clear);
  for (const note of notes) warn(note);
  const facts = await inspectModel(folder);
  const { parameters, bytes, methods, memoryBytes } = facts;
  if (values.json === true) print(JSON.stringify({ name, folder, what: whatIs(facts), parameters, bytes, methods, memoryBytes, notes }));
  else {
    print(`${name}: ${whatIs(facts)}, ${millions(parameters)} parameters, ${bytesText(bytes)}; methods ${methods.join(', ')}`);
    print(`kept in ${folder}; it ran here, and prosam models verify ${name} proves that it still does`);
  }
  return EXIT.ok;
}

/** Bars for files that take long to read, one after the other. */
export function hashProgress(): { read: (path: string, count: number) => void; clear: () => void } {
  let shown: { path: string; done: number; bar?: ReturnType<typeof createByteProgress> } | undefined;
  return {
    clear: () => shown?.bar?.clear(),
    read(path, count) {
      if (shown?.path !== path) {
        shown?.bar?.clear();
        const current: NonNullable<typeof shown> = { path, done: 0 };
        shown = current;
        void stat(path).then(
          ({ size }) => (current.bar = createByteProgress(`reading ${path}`, size)),
          () => undefined,
        );
      }
      shown.done += count;
      shown.bar?.show(shown.done);
    },
  };
}

const SCENE_SEED = 11;

/** A generated scene with its largest object marked: the same everywhere. */
export function knownPicture(seed: number = SCENE_SEED): MarkedPicture {
  const scene = generateScene(seed);
  const { width, height, image } = scene;
  const masks = [...new Set(scene.concepts)].map((concept) => conceptMask(scene, concept));
  const area = (mask: Uint8Array): number => mask.reduce((sum, value) => sum + value, 0);
  const data = masks.reduce((best, mask) => (area(mask) > area(best) ? mask : best));
  return { image: { data: image, width, height, channels: 3 }, mask: { data, width, height } };
}
