/** `prosam demo`: the main job on photos, its own or yours, as images. */
import { join } from 'node:path';
import { noticeLine } from '../../core/common/notice.ts';
import { iou } from '../../core/mask/metrics.ts';
import { createEngine } from '../../core/runtime/node/create-engine.ts';
import type { MaskPrediction, PredictOptions, Reference } from '../../core/engine/types.ts';
import { EXIT, UsageError, type Terminal } from '../common/command.ts';
import { engineOptions, predictOptions } from '../common/engine-options.ts';
import { parseCommand } from '../common/parse.ts';
import { readingFrom } from '../common/reading-options.ts';
import { referenceFiles, referencesFrom } from '../common/reference-args.ts';
import { inputsOf, refuseTaken, writeOwn, type WriteOwnOptions } from '../common/write-file.ts';
import { caption, demoPage, referencePanel, strip, targetPanel, type DemoRow } from './page.ts';
import { readPhotos } from './photos.ts';
import { DEMO } from './spec.ts';
import { ownTask, photoTasks } from './tasks.ts';
import { wall, type Panel } from './wall.ts';

/** Mark of the results: the next demo in the same folder replaces them. */
const RESULT: WriteOwnOptions = { about: 'demo' };
const PAGE = 'index.html';
const OVERVIEW = 'overview.png';

/** Resolves to the exit code. */
export async function demo(args: readonly string[], { print, warn, signal }: Terminal): Promise<number> {
  const { values, positionals, tokens } = parseCommand(DEMO, args);
  const { out } = values;
  const references = await referencesFrom(tokens, warn);
  const own = references.length > 0;
  const files = [...(values.target ?? []), ...positionals];
  if (own !== files.length > 0) throw new UsageError('your own photos need both --reference IMAGE with an annotation and --target IMAGE.');
  const given: PredictOptions = { ...predictOptions(values), ...readingFrom(values), uncertaintyMap: true, ...(signal && { signal }) };

  const started = performance.now();
  const photos = own ? undefined : await readPhotos();
  const tasks = photos ? await photoTasks(photos) : [await ownTask(references, files, values.truth ?? [])];
  const inputs = await inputsOf([...files, ...referenceFiles(tokens), ...(values.truth ?? [])]);
  const write = { ...RESULT, inputs };
  const results = tasks.flatMap(({ targets }) => targets.map(({ file }) => file));
  await refuseTaken(
    [PAGE, OVERVIEW, ...results].map((file) => join(out, file)),
    write,
  );
  const engine = await createEngine(engineOptions(values));
  const shown: { row: DemoRow; absent: boolean }[] = [];
  const walls: Panel[][] = [];
  const ious: number[] = [];
  const times: number[] = [];
  let firstMask: number | undefined;
  try {
    if (!values.json) print(`model ${engine.info.model} on ${engine.info.device}`);
    for (const task of tasks) {
      const { label, references: marks, targets, grow } = task;
      // The photos of the other concepts' marks do not show this one.
      const others = tasks.flatMap((other) => (other === task ? [] : other.references.map(({ image }) => image)));
      const options = { ...(grow !== undefined && { grow }), others, ...given };
      const reference = await referencePanel(engine, marks[0] as Reference, options);
      const panels = [reference];
      for (const { name, image, file, truth, absent = false } of targets) {
        const prediction = await engine.predict(image, marks, options);
        firstMask ??= performance.now() - started;
        const { milliseconds } = prediction;
        times.push(milliseconds.total ?? 0);
        const [mask] = prediction.masks as [MaskPrediction];
        for (const notice of prediction.notices ?? []) if (notice.about === 'target') warn(noticeLine({ ...notice, about: image }));
        const panel = await targetPanel(image, mask, given);
        if (!absent) panels.push(panel);
        const value = truth && iou(mask.mask.data, truth.data);
        if (value !== undefined) ious.push(value);
        const { quality, method, area } = mask;
        const wrongly = absent ? area / mask.mask.data.length : undefined;
        const metrics = { method, iou: value, score: quality.score, present: quality.present, wrongly };
        await writeOwn(join(out, file), await strip(reference, panel, mask, truth), write);
        const text = caption(metrics);
        shown.push({ row: { title: `${label} in ${name}`, picture: file, caption: text }, absent });
        const json = { task: label, target: name, ...metrics, milliseconds, picture: join(out, file) };
        print(values.json ? JSON.stringify(json) : `${join(out, file)}  ${text}, ${Math.round(milliseconds.total ?? 0)} ms`);
      }
      walls.push(panels);
    }
  } finally {
    await engine.close();
  }
  const mean = ious.length > 0 ? `mean IoU ${average(ious).toFixed(2)} over ${ious.length} photos` : undefined;
  await writeOwn(join(out, OVERVIEW), await wall(walls), write);
  const rows = (without: boolean): DemoRow[] => shown.filter(({ absent }) => absent === without).map(({ row }) => row);
  const summary = [`Model ${engine.info.model}`, mean].filter(Boolean).join(': ');
  await writeOwn(join(out, PAGE), demoPage({ overview: OVERVIEW, rows: rows(false), absent: rows(true), summary, photos }), write);
  if (!values.json) {
    const took = `${Math.round(average(times))} ms a photo, first mask ${Math.round(firstMask ?? 0)} ms after the start, ${((performance.now() - started) / 1000).toFixed(1)} s in all`;
    print(`${[mean, took].filter(Boolean).join('; ')}\nlook at ${join(out, PAGE)}`);
  }
  return EXIT.ok;
}

function average(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
