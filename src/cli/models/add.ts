/** `prosam models add`: a model from weights that are on this machine. */
import { stat } from 'node:fs/promises';
import type { ModelWeights } from '../../core/models/detect-model.ts';
import { checkModelName } from '../../core/checkpoint/model-paths.ts';
import { addModel, type AddModelOptions } from '../../core/models/add.ts';
import type { AnnotatedImage } from '../../core/models/compare-precision.ts';
import { inspectModel } from '../../core/models/inspect.ts';
import { conceptMask, generateScene } from '../../scenes/index.ts';
import { whatIs, millions } from './list.ts';
import { bytesText, createByteProgress } from '../common/progress.ts';
import { EXIT, type Terminal } from '../common/command.ts';
import { parseCommand, pick } from '../common/parse.ts';
import type { Values } from '../common/spec.ts';
import { MODELS_ADD } from './spec.ts';

export type AddValues = Partial<
  Values<Pick<typeof MODELS_ADD.options, 'prompt-encoder' | 'license' | 'resize' | 'image-size' | 'threads' | 'force' | 'json'>>
>;

/** Resolves to the exit code. */
export async function addModelCommand(args: readonly string[], terminal: Terminal): Promise<number> {
  const { values, positionals } = parseCommand(MODELS_ADD, args);
  const [name] = positionals as [string];
  const { sam, backbone } = values;
  const weights = { sam, ...(backbone !== undefined && { backbone }) };
  return keepModel(name, weights, values, terminal);
}

/** Adds a model, with progress and a summary. from: defaults that the values override. Resolves to the exit code. */
export async function keepModel(
  name: string,
  weights: ModelWeights,
  values: AddValues,
  { print, warn, signal }: Terminal,
  from: Pick<AddModelOptions, 'about' | 'license'> = {},
): Promise<number> {
  checkModelName(name);
  const { promptEncoder: encoder, force = false } = values;
  const progress = hashProgress();
  const { folder, notes } = await addModel(
    name,
    { ...weights, ...(encoder !== undefined && { promptEncoder: encoder }) },
    {
      ...from,
      ...(values.license !== undefined && { license: values.license }),
      ...pick(values, 'resize', 'imageSize', 'threads'),
      ...{ force, example: knownImage(), signal, onHashed: progress.read },
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

/** Progress bars for files that take long to read, one after the other. */
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

/** Generated scene with the mask of its largest object: the same on every machine. */
export function knownImage(seed: number = SCENE_SEED): AnnotatedImage {
  const scene = generateScene(seed);
  const { width, height, image } = scene;
  const masks = [...new Set(scene.concepts)].map((concept) => conceptMask(scene, concept));
  const area = (mask: Uint8Array): number => mask.reduce((sum, value) => sum + value, 0);
  const data = masks.reduce((best, mask) => (area(mask) > area(best) ? mask : best));
  return { image: { data: image, width, height, channels: 3 }, mask: { data, width, height } };
}
