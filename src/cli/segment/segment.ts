/** `prosam segment`: one annotated reference, many targets. */
import { basename } from 'node:path';
import { knownHash } from '../../core/checkpoint/hash-cache.ts';
import { noticeLine } from '../../core/common/notice.ts';
import { isProsamError, messageOf } from '../../core/common/errors.ts';
import { mapInOrder, type Outcome } from '../../core/common/map-in-order.ts';
import { DEFAULT_CONCURRENCY } from '../../core/engine/defaults.ts';
import { createEngine } from '../../core/runtime/node/create-engine.ts';
import type { PredictOptions, Prediction, Reference } from '../../core/engine/types.ts';
import { EXIT, UsageError, type Terminal } from '../common/command.ts';
import { engineOptions, predictOptions } from '../common/engine-options.ts';
import { readingFrom } from '../common/reading-options.ts';
import { adviceFor } from '../../core/image/file-kinds.ts';
import { parseCommand } from '../common/parse.ts';
import { createProgress } from '../common/progress.ts';
import { referenceFiles, referencesFrom, referenceSettings } from '../common/reference-args.ts';
import { inputsOf } from '../common/write-file.ts';
import { closingLines, summaryJson, type Totals } from './closing.ts';
import { LEFT_OUT } from './folder-images.ts';
import { jsonLine, outputFiles, outputSuffixes } from './output.ts';
import { openResults, type Plan } from './results.ts';
import { SEGMENT, type Format } from './spec.ts';
import { targetsOf, type Target } from './targets.ts';

/** Result of a target; only its plan where it was done before. */
interface Done {
  plan: Plan;
  prediction?: Prediction;
}

/** Resolves to the exit code. */
export async function segment(args: readonly string[], { print, warn, signal }: Terminal): Promise<number> {
  const { values, positionals, tokens } = parseCommand(SEGMENT, args);
  const { out, format, force, tolerance, holes } = values;
  const outlines = { tolerance, holes };
  const references = await referencesFrom(tokens, warn);
  const reading = readingFrom(values);
  if (references.length === 0) throw new UsageError('expected --reference IMAGE with an annotation, got none.');
  const labels = [...new Set(references.map(({ label }) => label ?? 'object'))];
  const { targets, leftOut } = await targetsOf([...(values.target ?? []), ...positionals], values.targetDir, out, values);
  const chosen: PredictOptions = {
    ...predictOptions(values),
    ...reading,
    ...(values.without !== undefined && { others: values.without }),
    ...(values.instances && { instances: true }),
    ...(format === 'overlay' && { uncertaintyMap: true }),
  };
  const options = { ...chosen, ...(signal && { signal }) };
  const totals: Totals = { done: 0, kept: 0, changed: 0, failures: [], notices: [] };
  const progress = createProgress(targets.length);
  const json = (line: object): void => (values.json ? print(JSON.stringify(line)) : undefined);
  const report = (outcome: Outcome<Target, Done>): void => {
    const { file } = outcome.target;
    progress.clear();
    if ('error' in outcome) {
      const { error } = outcome;
      const code = isProsamError(error) ? error.code : 'FAILED';
      totals.failures.push({ file, code });
      json({ file, error: { code, message: messageOf(error) } });
      warn(`${file}: ${code}: ${messageOf(error)}`);
    } else if (outcome.result.prediction) {
      const { plan, prediction } = outcome.result;
      totals.done++;
      for (const notice of prediction.notices ?? []) if (notice.about === 'target') totals.notices.push({ file, notice });
      json({ ...jsonLine(file, prediction), outputs: plan.outputs });
      if (!values.json) print(humanLine(plan, prediction));
    } else {
      const { plan } = outcome.result;
      totals.kept++;
      if (plan.changed) totals.changed++;
      json({ file, skipped: true, ...(plan.changed && { changed: true }), outputs: plan.outputs });
    }
    progress.advance(basename(file));
  };

  const engine = await createEngine(engineOptions(values));
  try {
    // A reference that cannot be used would fail every target; it is reported once, before any is touched.
    for (const reference of references) {
      const { notices = [] } = await engine.referenceMask(reference, options);
      for (const notice of notices) warn(noticeLine({ ...notice, about: reference.image as string }));
    }
    for (const { file, kind } of leftOut) {
      // Hidden files and folders are nobody's images; they are counted in the summary.
      if (kind === LEFT_OUT.hidden || kind === LEFT_OUT.folder) continue;
      const advice = adviceFor(kind);
      json({ file, skipped: true, reason: kind, ...(advice !== undefined && { advice }) });
    }
    const results = await openResults({
      out,
      suffixes: outputSuffixes(format, labels),
      settings: {
        ...(await settingsOf(references, engine.info.model, format, chosen, values.precision, values.external)),
        ...(format === 'polygon' && { outlines }),
      },
      inputs: await inputsOf([...targets.map(({ file }) => file), ...referenceFiles(tokens)]),
      force,
    });
    const work = async (target: Target, stop: AbortSignal): Promise<Done> => {
      const plan = await results.plan(target);
      if (plan.done) return { plan };
      const prediction = await engine.predict(target.file, references, { ...chosen, signal: stop });
      await results.write(plan, await outputFiles(format, target.file, prediction, { reading, outlines }));
      return { plan, prediction };
    };
    const many = { concurrency: DEFAULT_CONCURRENCY, signal };
    for await (const outcome of mapInOrder(targets, work, many)) report(outcome);
  } finally {
    progress.clear();
    await engine.close();
  }
  for (const line of closingLines(targets.length, totals, leftOut)) warn(line);
  if (values.targetDir !== undefined) json(summaryJson(targets.length, totals, leftOut));
  return totals.failures.length > 0 ? EXIT.someFailed : EXIT.ok;
}

/** Everything that results depend on beside the image: unchanged, they need not be made again. */
async function settingsOf(
  references: readonly Reference[],
  model: string,
  format: Format,
  options: PredictOptions,
  precision: string | undefined,
  external: string | undefined,
): Promise<object> {
  const marks = await Promise.all(references.map((reference) => referenceSettings(reference, knownHash)));
  return { marks, model, format, options, precision, external };
}

function humanLine({ outputs }: Plan, { masks, milliseconds }: Prediction): string {
  const metrics = masks.map(({ label, method, area, mask, quality }) => {
    const share = ((100 * area) / mask.data.length).toFixed(1);
    const { score, present, withheld, referenceIou, referenceIouFrom } = quality;
    const trust = referenceIou === undefined ? '' : `, IoU on the references ${referenceIou.toFixed(2)} (${referenceIouFrom})`;
    const found = withheld ? 'left out, likely not there' : area === 0 ? 'nothing found' : `${share} % of the image`;
    return `${label}: ${found}, score ${score.toFixed(2)}, present ${present.toFixed(2)}, ${method}${trust}`;
  });
  return `${outputs.join(' ')}  ${metrics.join('; ')}  ${Math.round(milliseconds.total ?? 0)} ms`;
}
