/** `prosam segment`: one marked reference, many targets. */
import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { basename, extname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { isProsamError, messageOf } from '../core/errors.ts';
import { createEngine } from '../core/runtime/create-engine.ts';
import type { Engine, PredictOptions, Prediction, Reference } from '../core/types.ts';
import { ENGINE_HELP, ENGINE_OPTIONS, engineOptions, predictOptions } from './engine-options.ts';
import { MARK_OPTIONS, referencesFrom } from './marks.ts';
import { createProgress } from './progress.ts';
import type { Terminal } from './terminal.ts';
import { FORMATS, jsonLine, outputFiles, outputSuffixes, type Format } from './segment-output.ts';
import { choice, EXIT, UsageError } from './usage.ts';
import { writeWhole } from './write-file.ts';

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
  --target-dir DIR      every image in DIR
  --out DIR             where results go; files that exist are kept unless --force
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

const IMAGE_ENDINGS = new Set(['.jpg', '.jpeg', '.png', '.webp', '.tif', '.tiff', '.avif', '.gif']);

interface Job {
  target: string;
  outputs: string[];
}

interface Outcome {
  job: Job;
  prediction?: Prediction;
  skipped?: boolean;
  error?: unknown;
}

/** -> exit code */
export async function segment(args: readonly string[], { print, warn, signal }: Terminal): Promise<number> {
  const { values, positionals, tokens } = parse(args);
  const references = await referencesFrom(tokens);
  if (references.length === 0) throw new UsageError('wanted --reference IMAGE with a mark, got none.');
  if (values.out === undefined) throw new UsageError('wanted --out DIR for the results.');
  const format = choice('format', values.format ?? 'png', FORMATS);
  const labels = [...new Set(references.map(({ label }) => label ?? 'object'))];
  const targets = await targetsOf([...(values.target ?? []), ...positionals], values['target-dir']);
  const jobs = jobsFor(targets, values.out, outputSuffixes(format, labels));
  const options: PredictOptions = {
    ...predictOptions(values),
    ...(values.instances && { instances: true }),
    ...(format === 'overlay' && { uncertaintyMap: true }),
    ...(signal && { signal }),
  };
  const totals = { failed: 0, kept: 0 };
  const progress = createProgress(jobs.length);
  const report = ({ job, prediction, error, skipped }: Outcome): void => {
    progress.clear();
    if (skipped) {
      totals.kept++;
      if (values.json) print(JSON.stringify({ file: job.target, skipped: true, outputs: job.outputs }));
    } else if (prediction) {
      print(values.json ? JSON.stringify({ ...jsonLine(job.target, prediction), outputs: job.outputs }) : humanLine(job, prediction));
    } else {
      totals.failed++;
      const code = isProsamError(error) ? error.code : 'FAILED';
      if (values.json) print(JSON.stringify({ file: job.target, error: { code, message: messageOf(error) } }));
      warn(`${job.target}: ${code}: ${messageOf(error)}`);
    }
    progress.advance(basename(job.target));
  };

  const engine = await createEngine(engineOptions(values));
  try {
    // A reference that cannot be used would fail every target; it is told once, before any is touched.
    for (const reference of references) await engine.referenceMask(reference, options);
    await inOrder(
      jobs,
      (job) => (values.force ? false : isDone(job)),
      (job) => segmentOne(engine, job, references, options, format),
      report,
    );
  } finally {
    progress.clear();
    await engine.close();
  }
  if (totals.kept > 0) warn(`${totals.kept} of ${jobs.length} targets were done already and kept; --force makes them again.`);
  if (totals.failed > 0) warn(`${totals.failed} of ${jobs.length} targets failed.`);
  return totals.failed > 0 ? EXIT.someFailed : EXIT.ok;
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

async function targetsOf(files: readonly string[], folder: string | undefined): Promise<string[]> {
  const targets = [...files];
  if (folder !== undefined) {
    const names = await readdir(folder).catch((cause: unknown) => {
      throw new UsageError(`--target-dir ${folder}: cannot be read: ${messageOf(cause)}.`);
    });
    targets.push(
      ...names
        .filter((name) => IMAGE_ENDINGS.has(extname(name).toLowerCase()))
        .sort()
        .map((name) => join(folder, name)),
    );
  }
  if (targets.length === 0) throw new UsageError('wanted --target IMAGE... or --target-dir DIR with images in it, got none.');
  return [...new Set(targets)];
}

/** Results carry the target's name without its ending, or with it where two targets differ in nothing else. */
function jobsFor(targets: readonly string[], out: string, suffixes: readonly string[]): Job[] {
  const stem = (target: string): string => basename(target, extname(target));
  const count = new Map<string, number>();
  for (const target of targets) count.set(stem(target), (count.get(stem(target)) ?? 0) + 1);
  const taken = new Map<string, string>();
  return targets.map((target) => {
    const name = count.get(stem(target)) === 1 ? stem(target) : basename(target);
    const other = taken.get(name);
    if (other !== undefined)
      throw new UsageError(`${other} and ${target} would both become ${name} in ${out}. Segment them into different folders.`);
    taken.set(name, target);
    return { target, outputs: suffixes.map((suffix) => join(out, `${name}${suffix}`)) };
  });
}

function isDone(job: Job): boolean {
  return job.outputs.every((output) => existsSync(output));
}

async function segmentOne(
  engine: Engine,
  job: Job,
  references: readonly Reference[],
  options: PredictOptions,
  format: Format,
): Promise<Prediction> {
  const prediction = await engine.predict(job.target, references, options);
  const files = await outputFiles(format, job.target, prediction);
  for (const [i, path] of job.outputs.entries()) await writeWhole(path, files[i] as string | Uint8Array);
  return prediction;
}

/** Two jobs at a time, so that one image is read while another is computed; reported in the order they were given. */
async function inOrder(
  jobs: readonly Job[],
  isKept: (job: Job) => boolean,
  work: (job: Job) => Promise<Prediction>,
  report: (outcome: Outcome) => void,
): Promise<void> {
  const start = (job: Job | undefined): Promise<Outcome> | undefined => {
    if (job === undefined) return undefined;
    if (isKept(job)) return Promise.resolve({ job, skipped: true });
    return work(job).then(
      (prediction) => ({ job, prediction }),
      (error: unknown) => ({ job, error }),
    );
  };
  let ahead = start(jobs[0]);
  for (let i = 0; i < jobs.length; i++) {
    const current = ahead as Promise<Outcome>;
    ahead = start(jobs[i + 1]);
    const outcome = await current;
    if (outcome.error instanceof Error && outcome.error.name === 'AbortError') throw outcome.error;
    report(outcome);
  }
}

function humanLine(job: Job, { masks, milliseconds }: Prediction): string {
  const figures = masks.map(({ label, method, area, mask, uncertainty, check }) => {
    const share = ((100 * area) / mask.data.length).toFixed(1);
    const trust = check ? `, expected IoU ${check.expectedIou.toFixed(2)} (${check.basis})` : '';
    return `${label}: ${share} % of the image, uncertainty ${uncertainty.toFixed(2)}, ${method}${trust}`;
  });
  return `${job.outputs.join(' ')}  ${figures.join('; ')}  ${Math.round(milliseconds.total ?? 0)} ms`;
}
