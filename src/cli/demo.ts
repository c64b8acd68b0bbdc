/** `prosam demo`: the main job on generated scenes or on a person's own photos, as pictures. */
import { basename, extname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { wordsFor } from '../core/files/file-name.ts';
import { messageOf } from '../core/common/errors.ts';
import { markedPixels } from '../core/image/mask-file.ts';
import { decodeGrey } from '../core/image/node/decode.ts';
import type { BinaryMask } from '../core/mask/label-reduction.ts';
import { iou } from '../core/mask/metrics.ts';
import { createEngine } from '../core/runtime/node/create-engine.ts';
import type { Engine, ImageInput, MaskPrediction, PredictOptions, Reference } from '../core/engine/types.ts';
import { demoPage, type DemoRow } from './demo-page.ts';
import { demoTasks } from './demo-scenes.ts';
import { ENGINE_HELP, ENGINE_OPTIONS, engineOptions, predictOptions, type EngineValues } from './engine-options.ts';
import { MARK_OPTIONS, markFiles, referencesFrom } from './marks.ts';
import { pngFromMask } from '../core/image/node/mask-png.ts';
import { COLOURS, pictureBytes, readPicture, shrink, sideBySide, withHeat, withMask, type Picture } from './pictures.ts';
import type { Terminal } from './terminal.ts';
import { EXIT, UsageError, wholeNumber } from './usage.ts';
import { inputsOf, refuseTaken, writeOwn, type WriteOwnOptions } from './write-file.ts';
import { readFile } from 'node:fs/promises';

export const DEMO_HELP = `prosam demo: see it work

  prosam demo [--out DIR] [--concepts N] [--targets N] [--scene-seed N]
  prosam demo --reference IMAGE MARK --target IMAGE... [--truth MASK...] [--out DIR]

Without photos it draws scenes, marks one object in one of them and finds its kind in the others: no network, no GPU.
Pictures and index.html go to DIR (default: prosam-demo), over those of another demo and nothing else. Each strip shows, from
left to right, the reference with its mark, the target with the predicted mask, how unsure the model is, and the true mask
where it is known.

  --concepts N          concepts to show (default: 4)
  --targets N           targets per concept (default: 3)
  --scene-seed N        other scenes (default: 1)
  --truth MASK...       true masks of the targets, in their order, to measure against
  --json                one JSON line a target on stdout

Marks are those of prosam segment: --mask, --box, --points, --scribble, --polygon, --coco-rle.

${ENGINE_HELP}

Examples:
  prosam demo
  prosam demo --reference cup.jpg --box 40,60,210,240 --target shelf.jpg table.jpg --out cups
`;

const LEGEND =
  'From left to right: the reference with its mark (yellow), the target with the predicted mask (blue), how unsure the model is (bright = unsure), and the true mask (pink) where it is known.';
const LONGEST = 480;
/** Whatever it shows, the next demo in the same folder takes its place. */
const DEMO: WriteOwnOptions = { about: 'demo' };
/** What `prosam segment` may be tried on. */
const PICTURE: WriteOwnOptions = { about: 'demo', what: 'picture' };

interface Shown {
  name: string;
  /** File name of its strip. */
  file: string;
  image: ImageInput;
  truth?: BinaryMask;
}

interface Task {
  name: string;
  references: Reference[];
  targets: Shown[];
}

/** -> exit code */
export async function demo(args: readonly string[], { print, warn, signal }: Terminal): Promise<number> {
  const { values, positionals, tokens } = parse(args);
  const out = values.out ?? 'prosam-demo';
  const references = await referencesFrom(tokens);
  const own = references.length > 0;
  const files = [...(values.target ?? []), ...positionals];
  if (own !== files.length > 0) throw new UsageError('your own photos need both --reference IMAGE with a mark and --target IMAGE.');
  const options: PredictOptions = { ...predictOptions(values), uncertaintyMap: true, ...(signal && { signal }) };

  const started = performance.now();
  const inputs = await inputsOf([...files, ...markFiles(tokens), ...(values.truth ?? [])]);
  const page = join(out, 'index.html');
  await refuseTaken([page], { ...DEMO, inputs });
  const tasks = own ? [await ownTask(references, files, values.truth ?? [])] : await sceneTasks(values, out);
  await refuseTaken(
    tasks.flatMap(({ targets }) => targets.map(({ file }) => join(out, file))),
    { ...DEMO, inputs },
  );
  const engine = await createEngine(engineOptions(values));
  const rows: DemoRow[] = [];
  const ious: number[] = [];
  let firstMask: number | undefined;
  try {
    if (!values.json) print(`model ${engine.info.model} on ${engine.info.device}`);
    for (const task of tasks) {
      const mark = await markPicture(engine, task.references[0] as Reference, options);
      for (const target of task.targets) {
        const prediction = await engine.predict(target.image, task.references, options);
        firstMask ??= performance.now() - started;
        const [mask] = prediction.masks as [MaskPrediction];
        const value = target.truth && iou(mask.mask.data, target.truth.data);
        if (value !== undefined) ious.push(value);
        const figures = {
          task: task.name,
          target: target.name,
          method: mask.method,
          iou: value,
          score: mask.quality.score,
          referenceIou: mask.quality.referenceIou,
          milliseconds: prediction.milliseconds,
        };
        const { file } = target;
        await writeOwn(join(out, file), await strip(mark, target, mask), { ...DEMO, inputs });
        const caption = describe(figures);
        rows.push({ title: `${task.name}: ${target.name}`, picture: file, caption });
        print(values.json ? JSON.stringify({ ...figures, picture: join(out, file) }) : `${join(out, file)}  ${caption}`);
      }
    }
  } finally {
    await engine.close();
  }
  const mean =
    ious.length > 0
      ? `mean IoU ${(ious.reduce((sum, value) => sum + value, 0) / ious.length).toFixed(2)} over ${ious.length} targets; `
      : '';
  const summary = `${mean}first mask ${Math.round(firstMask ?? 0)} ms after the start, ${((performance.now() - started) / 1000).toFixed(1)} s in all`;
  await writeOwn(page, demoPage(rows, LEGEND, summary), { ...DEMO, inputs });
  if (!values.json) print(`${summary}\nlook at ${page}`);
  if (!own && !values.json) {
    warn('The built-in model is small and trained from scratch on such scenes: it shows the method, it does not replace a full-size SAM.');
  }
  return EXIT.ok;
}

function parse(args: readonly string[]) {
  return parseArgs({
    args: [...args],
    allowPositionals: true,
    tokens: true,
    options: {
      ...MARK_OPTIONS,
      ...ENGINE_OPTIONS,
      target: { type: 'string', multiple: true },
      truth: { type: 'string', multiple: true },
      out: { type: 'string' },
      concepts: { type: 'string' },
      targets: { type: 'string' },
      'scene-seed': { type: 'string' },
      json: { type: 'boolean' },
    },
  });
}

type SceneValues = EngineValues & { concepts?: string; targets?: string; 'scene-seed'?: string };

/** Draws the scenes and keeps their images, so that `prosam segment` can be tried on them. */
async function sceneTasks(values: SceneValues, out: string): Promise<Task[]> {
  const count = (name: 'concepts' | 'targets', fallback: number, most: number): number => {
    const value = values[name] === undefined ? fallback : wholeNumber(name, values[name]);
    if (value < 1 || value > most) throw new UsageError(`--${name}: expected 1 to ${most}, got ${value}.`);
    return value;
  };
  const seed = values['scene-seed'] === undefined ? 1 : wholeNumber('scene-seed', values['scene-seed']);
  const tasks = demoTasks(seed, count('concepts', 4, 48), count('targets', 3, 100));
  return Promise.all(
    tasks.map(async ({ name, reference, targets }) => {
      const at = (what: string): string => join(out, 'images', `${name}-${what}.png`);
      await writeOwn(at('reference'), await pictureBytes(reference.image), PICTURE);
      await writeOwn(at('reference-mask'), await pngFromMask(reference.truth), DEMO);
      await Promise.all(targets.map(async ({ image }, i) => writeOwn(at(`target-${i + 1}`), await pictureBytes(image), PICTURE)));
      return {
        name,
        references: [{ image: reference.image, label: name, mask: reference.truth }],
        targets: targets.map(({ image, truth }, i) => ({ name: `target-${i + 1}`, file: `${name}-target-${i + 1}.png`, image, truth })),
      };
    }),
  );
}

async function ownTask(references: Reference[], files: readonly string[], truths: readonly string[]): Promise<Task> {
  if (truths.length > files.length)
    throw new UsageError(`--truth: expected at most one for each of ${files.length} targets, got ${truths.length}.`);
  const task = references[0]?.label ?? 'object';
  const names = files.map((file) => basename(file, extname(file)));
  const pictures = wordsFor(
    names.map((name, i) => ({ text: `${task}-${name}`, identity: `${task} ${files[i] ?? ''}` })),
    { longest: 200, dots: true },
  );
  const targets = await Promise.all(
    names.map(async (name, i): Promise<Shown> => {
      const image = files[i] as string;
      const shown = { name, file: `${pictures[i] ?? ''}.png`, image };
      const truth = truths[i];
      if (truth === undefined) return shown;
      const grey = await decodeGrey(
        await readFile(truth).catch((cause: unknown) => Promise.reject(new UsageError(`--truth ${truth}: ${messageOf(cause)}`))),
        truth,
      );
      return { ...shown, truth: markedPixels(grey) };
    }),
  );
  return { name: task, references, targets };
}

async function pictureOf(image: ImageInput): Promise<Picture> {
  if (typeof image === 'string') return readPicture(image);
  return image as Picture;
}

async function markPicture(engine: Engine, reference: Reference, options: PredictOptions): Promise<Picture> {
  const { mask } = await engine.referenceMask(reference, options);
  return shrink(withMask(await pictureOf(reference.image), mask, COLOURS.mark), LONGEST);
}

async function strip(mark: Picture, target: Shown, prediction: MaskPrediction): Promise<Uint8Array> {
  const picture = await pictureOf(target.image);
  const levels = { ...prediction.mask, data: prediction.uncertaintyMap as Uint8Array };
  const panels = [
    withMask(picture, prediction.mask, COLOURS.prediction),
    withMask(withHeat(picture, levels), prediction.mask, COLOURS.prediction, 0),
    ...(target.truth ? [withMask(picture, target.truth, COLOURS.truth)] : []),
  ];
  return sideBySide([mark, ...panels.map((panel) => shrink(panel, LONGEST))]);
}

interface Figures {
  method: string;
  iou: number | undefined;
  score: number;
  referenceIou: number | undefined;
  milliseconds: { total?: number };
}

function describe({ method, iou: value, score, referenceIou, milliseconds }: Figures): string {
  const parts = [
    ...(value === undefined ? [] : [`IoU ${value.toFixed(2)}`]),
    `score ${score.toFixed(2)}`,
    method,
    ...(referenceIou === undefined ? [] : [`checked ${referenceIou.toFixed(2)}`]),
    `${Math.round(milliseconds.total ?? 0)} ms`,
  ];
  return parts.join(', ');
}
