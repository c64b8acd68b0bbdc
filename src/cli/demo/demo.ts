/** `prosam demo`: the main job on generated scenes or on your own photos, as images. */
import { basename, extname, join } from 'node:path';
import { readFile } from 'node:fs/promises';
import { wordsFor } from '../../core/files/file-name.ts';
import { messageOf } from '../../core/common/errors.ts';
import { decodeGrey } from '../../core/image/node/decode.ts';
import type { BinaryMask } from '../../core/mask/label-reduction.ts';
import { iou } from '../../core/mask/metrics.ts';
import { createEngine } from '../../core/runtime/node/create-engine.ts';
import type { ImageInput, MaskPrediction, PredictOptions, Reference } from '../../core/engine/types.ts';
import { markedPixels } from '../../core/image/mask-file.ts';
import { pngFromMask } from '../../core/image/node/png.ts';
import { EXIT, UsageError, type Terminal } from '../common/command.ts';
import { pngFromRgb } from '../common/draw.ts';
import { engineOptions, predictOptions } from '../common/engine-options.ts';
import { parseCommand } from '../common/parse.ts';
import { referenceFiles, referencesFrom } from '../common/reference-args.ts';
import type { Values } from '../common/spec.ts';
import { inputsOf, refuseTaken, writeOwn, type WriteOwnOptions } from '../common/write-file.ts';
import { caption, demoPage, referenceImage, strip, type DemoRow } from './page.ts';
import { demoTasks } from './scenes.ts';
import { DEMO } from './spec.ts';

/** Mark of the results: the next demo in the same folder replaces them. */
const STRIP: WriteOwnOptions = { about: 'demo' };
/** Mark of the generated images, on which `prosam segment` can be tried. */
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

/** Resolves to the exit code. */
export async function demo(args: readonly string[], { print, warn, signal }: Terminal): Promise<number> {
  const { values, positionals, tokens } = parseCommand(DEMO, args);
  const { out } = values;
  const references = await referencesFrom(tokens);
  const own = references.length > 0;
  const files = [...(values.target ?? []), ...positionals];
  if (own !== files.length > 0) throw new UsageError('your own photos need both --reference IMAGE with an annotation and --target IMAGE.');
  const options: PredictOptions = { ...predictOptions(values), uncertaintyMap: true, ...(signal && { signal }) };

  const started = performance.now();
  const inputs = await inputsOf([...files, ...referenceFiles(tokens), ...(values.truth ?? [])]);
  const page = join(out, 'index.html');
  await refuseTaken([page], { ...STRIP, inputs });
  const tasks = own ? [await ownTask(references, files, values.truth ?? [])] : await sceneTasks(values, out);
  await refuseTaken(
    tasks.flatMap(({ targets }) => targets.map(({ file }) => join(out, file))),
    { ...STRIP, inputs },
  );
  const engine = await createEngine(engineOptions(values));
  const rows: DemoRow[] = [];
  const ious: number[] = [];
  let firstMask: number | undefined;
  try {
    if (!values.json) print(`model ${engine.info.model} on ${engine.info.device}`);
    for (const task of tasks) {
      const annotated = await referenceImage(engine, task.references[0] as Reference, options);
      for (const target of task.targets) {
        const prediction = await engine.predict(target.image, task.references, options);
        firstMask ??= performance.now() - started;
        const [mask] = prediction.masks as [MaskPrediction];
        const value = target.truth && iou(mask.mask.data, target.truth.data);
        if (value !== undefined) ious.push(value);
        const metrics = {
          task: task.name,
          target: target.name,
          method: mask.method,
          iou: value,
          score: mask.quality.score,
          referenceIou: mask.quality.referenceIou,
          milliseconds: prediction.milliseconds,
        };
        const { file } = target;
        await writeOwn(join(out, file), await strip(annotated, target, mask), { ...STRIP, inputs });
        const text = caption(metrics);
        rows.push({ title: `${task.name}: ${target.name}`, picture: file, caption: text });
        print(values.json ? JSON.stringify({ ...metrics, picture: join(out, file) }) : `${join(out, file)}  ${text}`);
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
  await writeOwn(page, demoPage(rows, summary), { ...STRIP, inputs });
  if (!values.json) print(`${summary}\nlook at ${page}`);
  if (!own && !values.json) {
    warn('The built-in model is small and trained from scratch on such scenes: it shows the method, it does not replace a full-size SAM.');
  }
  return EXIT.ok;
}

/** Draws the scenes and writes their images, so that `prosam segment` can be tried on them. */
async function sceneTasks(values: Values<typeof DEMO.options>, out: string): Promise<Task[]> {
  const tasks = demoTasks(values.sceneSeed, values.concepts, values.targets);
  return Promise.all(
    tasks.map(async ({ name, reference, targets }) => {
      const at = (what: string): string => join(out, 'images', `${name}-${what}.png`);
      await writeOwn(at('reference'), await pngFromRgb(reference.image), PICTURE);
      await writeOwn(at('reference-mask'), await pngFromMask(reference.truth), STRIP);
      await Promise.all(targets.map(async ({ image }, i) => writeOwn(at(`target-${i + 1}`), await pngFromRgb(image), PICTURE)));
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
