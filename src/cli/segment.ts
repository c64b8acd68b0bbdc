/** `prosam segment`: one marked reference, many targets. */
import { basename } from 'node:path';
import { parseArgs } from 'node:util';
import { knownHash } from '../core/checkpoint/hash-cache.ts';
import { isProsamError, messageOf } from '../core/common/errors.ts';
import { parseAnnotation } from '../core/mask/annotation.ts';
import { createEngine } from '../core/runtime/node/create-engine.ts';
import type { Engine, PredictOptions, Prediction, Reference } from '../core/engine/types.ts';
import { ENGINE_HELP, ENGINE_OPTIONS, engineOptions, predictOptions } from './engine-options.ts';
import { MARK_OPTIONS, markFiles, referencesFrom } from './marks.ts';
import { createProgress } from './progress.ts';
import type { Terminal } from './terminal.ts';
import { FORMATS, jsonLine, outputFiles, outputSuffixes, type Format } from './segment-output.ts';
import { openResults, type Plan, type Results } from './segment-results.ts';
import { targetsOf, type Target } from './segment-targets.ts';
import { choice, EXIT, UsageError } from './usage.ts';
import { inputsOf } from './write-file.ts';

export const SEGMENT_HELP = `prosam segment: mark an object in one image, get its mask in others

  prosam segment --reference IMAGE MARK --target IMAGE... --out DIR [options]

Marks (one for each --reference; repeat --reference for more examples):
  --mask FILE           image of the reference's size, bright = object
  --box x0,y0,x1,y1     pixels of the upright image
  --points x,y[;x,y]    clicks on the object; --negative x,y[;x,y] clicks beside it
  --scribble FILE       image with a drawn scribble, bright = marked
  --polygon x,y;x,y;..  outline
  --coco-rle FILE       JSON with size and counts
  --label NAME          what is marked; references with different labels are different concepts

Targets and output:
  --target IMAGE...     images to segment
  --target-dir DIR      every image in DIR; masks and overlays that prosam made are left out
  --out DIR             where results go, as NAME.png, with several labels NAME.LABEL.png; a short hash follows ~ where
                        that is not safe everywhere or could mean two things
  --force               make again what is there already; never overwrites what prosam did not make, or what was changed since
  --format FORMAT       ${FORMATS.join(', ')} (default: png; 0 and 255 at the image's own upright size)
  --instances           report separate regions too
  --json                one JSON line a target on stdout

${ENGINE_HELP}

Exit code: 0 all done, 1 some targets failed (the others are done), 2 nothing done: wrong usage, reference or model.

Examples:
  prosam segment --reference cup.jpg --box 40,60,210,240 --target shelf.jpg --out masks
  prosam segment --reference a.png --mask a-mask.png --target-dir photos --out masks --json
  prosam segment --reference leaf.jpg --points 120,80 --negative 10,10 --target-dir photos --out masks --format overlay
`;

/** What became of a target: a plan alone where it was done already. */
interface Outcome {
  file: string;
  plan?: Plan;
  prediction?: Prediction;
  error?: unknown;
}

/** -> exit code */
export async function segment(args: readonly string[], { print, warn, signal }: Terminal): Promise<number> {
  const { values, positionals, tokens } = parse(args);
  const references = await referencesFrom(tokens);
  if (references.length === 0) throw new UsageError('expected --reference IMAGE with a mark, got none.');
  if (values.out === undefined) throw new UsageError('expected --out DIR for the results.');
  const format = choice('format', values.format ?? 'png', FORMATS);
  const labels = [...new Set(references.map(({ label }) => label ?? 'object'))];
  const { targets, leftOut } = await targetsOf([...(values.target ?? []), ...positionals], values['target-dir'], values.out);
  const chosen: PredictOptions = {
    ...predictOptions(values),
    ...(values.instances && { instances: true }),
    ...(format === 'overlay' && { uncertaintyMap: true }),
  };
  const options = { ...chosen, ...(signal && { signal }) };
  const totals = { failed: 0, taken: 0, kept: 0, changed: 0 };
  const progress = createProgress(targets.length);
  const json = (line: object): void => (values.json ? print(JSON.stringify(line)) : undefined);
  const report = ({ file, plan, prediction, error }: Outcome): void => {
    progress.clear();
    if (plan && prediction) {
      json({ ...jsonLine(file, prediction), outputs: plan.outputs });
      if (!values.json) print(humanLine(plan, prediction));
    } else if (plan) {
      totals.kept++;
      if (plan.changed) totals.changed++;
      json({ file, skipped: true, ...(plan.changed && { changed: true }), outputs: plan.outputs });
    } else {
      const code = isProsamError(error) ? error.code : 'FAILED';
      totals.failed++;
      if (code === 'OUTPUT_TAKEN') totals.taken++;
      json({ file, error: { code, message: messageOf(error) } });
      warn(`${file}: ${code}: ${messageOf(error)}`);
    }
    progress.advance(basename(file));
  };

  const engine = await createEngine(engineOptions(values));
  try {
    // A reference that cannot be used would fail every target; it is told once, before any is touched.
    for (const reference of references) await engine.referenceMask(reference, options);
    for (const file of leftOut) json({ file, skipped: true, reason: 'made by prosam' });
    const results = await openResults({
      out: values.out,
      suffixes: outputSuffixes(format, labels),
      settings: await settingsOf(references, engine.info.model, format, chosen, values.precision),
      inputs: await inputsOf([...targets.map(({ file }) => file), ...markFiles(tokens)]),
      force: values.force ?? false,
    });
    await inOrder(
      targets,
      async (target) => {
        const plan = await results.plan(target);
        return plan.done ? { plan } : { plan, prediction: await segmentOne(engine, plan, results, references, options, format) };
      },
      report,
    );
  } finally {
    progress.clear();
    await engine.close();
  }
  for (const line of closing(targets.length, totals, leftOut.length)) warn(line);
  return totals.failed > 0 ? EXIT.someFailed : EXIT.ok;
}

interface Totals {
  failed: number;
  /** Of those that failed: where something lies that must not be overwritten. */
  taken: number;
  kept: number;
  changed: number;
}

function closing(count: number, { failed, taken, kept, changed }: Totals, leftOut: number): string[] {
  const lines: string[] = [];
  if (kept > 0) lines.push(`${kept} of ${count} targets were done already and kept; --force makes them again.`);
  if (changed > 0) lines.push(`${changed} of those were changed by somebody since they were made; --force leaves them alone, too.`);
  if (leftOut > 0) lines.push(`${leftOut} files were left out: prosam made them, they are no targets.`);
  if (failed > 0) lines.push(`${failed} of ${count} targets failed.`);
  if (taken > 0) lines.push(`${taken} of those because something else has the name of their result; it was left as it is.`);
  return lines;
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
      'target-dir': { type: 'string' },
      out: { type: 'string' },
      format: { type: 'string' },
      force: { type: 'boolean' },
      instances: { type: 'boolean' },
      json: { type: 'boolean' },
    },
  });
}

/** All that results depend on beside the image: the same again is no reason to make them again. */
async function settingsOf(
  references: readonly Reference[],
  model: string,
  format: Format,
  options: PredictOptions,
  precision: string | undefined,
): Promise<unknown> {
  const hashed = (file: unknown): Promise<string> => knownHash(String(file));
  const marks = await Promise.all(
    references.map(async ({ image, label, ...annotation }) => {
      const parsed = parseAnnotation(annotation);
      const mark = 'file' in parsed ? { ...parsed, file: await hashed(parsed.file) } : parsed;
      return { image: await hashed(image), mark, label };
    }),
  );
  return { marks, model, format, options, precision };
}

async function segmentOne(
  engine: Engine,
  plan: Plan,
  results: Results,
  references: readonly Reference[],
  options: PredictOptions,
  format: Format,
): Promise<Prediction> {
  const prediction = await engine.predict(plan.target.file, references, options);
  await results.write(plan, await outputFiles(format, plan.target.file, prediction));
  return prediction;
}

/** Two targets at a time, so that one image is read while another is computed; reported in the order they were given. */
async function inOrder(
  targets: readonly Target[],
  work: (target: Target) => Promise<Pick<Outcome, 'plan' | 'prediction'>>,
  report: (outcome: Outcome) => void,
): Promise<void> {
  const start = (target: Target | undefined): Promise<Outcome> | undefined => {
    if (target === undefined) return undefined;
    const { file } = target;
    return work(target).then(
      (done) => ({ file, ...done }),
      (error: unknown) => ({ file, error }),
    );
  };
  let ahead = start(targets[0]);
  for (let i = 0; i < targets.length; i++) {
    const current = ahead as Promise<Outcome>;
    ahead = start(targets[i + 1]);
    const outcome = await current;
    if (outcome.error instanceof Error && outcome.error.name === 'AbortError') throw outcome.error;
    report(outcome);
  }
}

function humanLine({ outputs }: Plan, { masks, milliseconds }: Prediction): string {
  const figures = masks.map(({ label, method, area, mask, quality }) => {
    const share = ((100 * area) / mask.data.length).toFixed(1);
    const { score, referenceIou, referenceIouFrom } = quality;
    const trust = referenceIou === undefined ? '' : `, IoU on the references ${referenceIou.toFixed(2)} (${referenceIouFrom})`;
    return `${label}: ${share} % of the image, score ${score.toFixed(2)}, ${method}${trust}`;
  });
  return `${outputs.join(' ')}  ${figures.join('; ')}  ${Math.round(milliseconds.total ?? 0)} ms`;
}
