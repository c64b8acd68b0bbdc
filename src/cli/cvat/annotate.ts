/** `prosam cvat annotate`: masks for a whole task from one labeled frame. */
import { existsSync } from 'node:fs';
import { annotateTask, type FrameReport } from '../../adapters/cvat/annotate/annotate.ts';
import type { CvatClient } from '../../adapters/cvat/api/client.ts';
import { DEFAULT_LEAST_PART } from '../../adapters/cvat/annotate/parts.ts';
import { planTask, type TaskPlan } from '../../adapters/cvat/annotate/plan.ts';
import { openRunLog } from '../../adapters/cvat/annotate/run-log.ts';
import { undoRun } from '../../adapters/cvat/annotate/undo.ts';
import { createUploadLog } from '../../adapters/cvat/jobs/upload-log.ts';
import { isProsamError, messageOf } from '../../core/common/errors.ts';
import { DEFAULT_MIN_INSTANCE_SHARE } from '../../core/engine/defaults.ts';
import { DEFAULT_TOLERANCE } from '../../core/mask/polygon-groups.ts';
import type { PredictOptions } from '../../core/engine/types.ts';
import { cvatConnection } from './connection.ts';
import { drawFrame } from './draw-frame.ts';
import { localPredictor, servicePredictor, type FramePredictor, type ServiceOptions } from './predictors.ts';
import { engineOptions, predictOptions } from '../common/engine-options.ts';
import { frameNumbers } from './frame-numbers.ts';
import { createProgress } from '../common/progress.ts';
import { EXIT, UsageError, type Terminal } from '../common/command.ts';
import { parseCommand } from '../common/parse.ts';
import type { Values as OptionValues } from '../common/spec.ts';
import { CVAT_ANNOTATE } from './spec.ts';
import { targetOf } from './target.ts';
import { ownPlace, writeOwn } from '../common/write-file.ts';

type Values = OptionValues<typeof CVAT_ANNOTATE.options>;

/** Resolves to the exit code. */
export async function cvatAnnotate(args: readonly string[], terminal: Terminal): Promise<number> {
  const { values } = parseCommand(CVAT_ANNOTATE, args);
  const target = targetOf(values);
  const client = cvatConnection(values);
  if (values.undo) return undo(client, values, target, terminal);
  const { signal } = terminal;
  const referenceFrames = [...frameNumbers('reference-frame', (values.referenceFrame ?? []).join(','))];
  if (referenceFrames.length === 0 && (values.url === undefined || values.project === undefined))
    throw new UsageError(
      'expected --reference-frame N, a frame where the object is marked, or --url and --project of a service that knows it.',
    );
  if (values.attributes && referenceFrames.length === 0)
    throw new UsageError('expected --reference-frame N with --attributes: the values are those of the shapes there.');
  const { form = 'mask', attributes } = values;
  const plan = await planTask({
    ...{ client, target, referenceFrames, form, attributes, signal },
    ...(values.labels !== undefined && { labels: values.labels }),
    ...(values.frames !== undefined && { frames: frameNumbers('frames', values.frames) }),
  });
  announce(plan, terminal);
  if (values.replace) await replaced(client, values, target, plan.task.id, terminal);
  const settings = settingsOf(values, plan, referenceFrames);
  const log = values.dryRun
    ? undefined
    : await openRunLog(logPath(values, client, target), { server: client.url, task: plan.task.id, settings });
  let predictor: FramePredictor | undefined;
  try {
    predictor = await predictorOf(values, plan, signal);
    const frames = plan.jobs.reduce((sum, job) => sum + job.frames.length, 0);
    const left = plan.jobs.reduce((sum, job) => sum + job.frames.filter((frame) => log?.done.has(frame) !== true).length, 0);
    if (left < frames) terminal.warn(`Going on: ${frames - left} of ${frames} frames were done before (${log?.path}).`);
    const progress = createProgress(frames, process.stderr, frames - left);
    const onFrame = async (report: FrameReport): Promise<void> => {
      progress.clear();
      const picture = values.dryRun ? await dryRunImage(values.out, { server: client.url, task: plan.task.id }, report) : undefined;
      if (values.json) terminal.print(JSON.stringify(jsonOf(report, picture)));
      if (report.outcome === 'failed') terminal.warn(`frame ${report.frame} (${report.name}): ${errorText(report.error)}`);
      progress.advance(`frame ${report.frame} ${report.name}`);
    };
    const result = await annotateTask({
      ...{ client, plan, predict: predictor.predict, form, instances: values.instances, tolerance: values.tolerance },
      ...{ leastPart: values.leastPart, onFrame, signal },
      ...(log && { log, uploads: createUploadLog(values.uploads) }),
    }).finally(() => progress.clear());
    terminal.warn(
      `${result.predicted} frames with ${values.dryRun ? 'masks' : `${result.shapes} new shapes`}, ${result.nothing} where nothing was found, ` +
        `${result.covered} left as they were, ${result.failed} failed.`,
    );
    if (result.leftOut > 0)
      terminal.warn(
        `${result.leftOut} parts were left out: smaller than ${Number((100 * values.leastPart).toFixed(2))} % of the largest part of their mask ` +
          `(--least-part), or than ${100 * DEFAULT_MIN_INSTANCE_SHARE} % of the frame.`,
      );
    if (values.dryRun) terminal.warn(`Nothing was uploaded. Images: ${values.out}`);
    else if (result.shapes > 0) terminal.warn(`Log: ${log?.path}; --undo takes this back.`);
    if (result.lost > 0)
      terminal.warn(`${result.lost} shapes were sent and are not there as they were sent: look at the task before going on.`);
    return result.failed + result.lost > 0 ? EXIT.someFailed : EXIT.ok;
  } catch (error) {
    if (log && isProsamError(error))
      terminal.warn(
        `Stopped. What was stored stands in ${log.path}: the same command${values.replace ? ' without --replace' : ''} goes on there.`,
      );
    throw error;
  } finally {
    await predictor?.close();
    await log?.close();
  }
}

async function undo(
  client: CvatClient,
  values: Values,
  target: { task: number } | { job: number },
  { warn, signal }: Terminal,
): Promise<number> {
  const path = logPath(values, client, target);
  if (!existsSync(path)) throw new UsageError(`expected the log of the run to take back, but there is no ${path}. Name it with --log.`);
  const log = await openRunLog(path);
  try {
    const task = 'task' in target ? target.task : (await client.job(target.job, { signal })).task_id;
    const { removed, kept, gone } = await undoRun(client, log, task, { uploads: createUploadLog(values.uploads), signal });
    warn(`${removed} shapes were taken back, ${kept} kept because somebody changed them, ${gone} had been deleted already.`);
    return EXIT.ok;
  } finally {
    await log.close();
  }
}

/** Takes back what an earlier run added and nobody touched, so that its frames are filled anew. */
async function replaced(
  client: CvatClient,
  values: Values,
  target: { task: number } | { job: number },
  task: number,
  { warn, signal }: Terminal,
): Promise<void> {
  if (values.dryRun) throw new UsageError('expected either --dry-run or --replace: a dry run takes nothing back.');
  const path = logPath(values, client, target);
  if (!existsSync(path)) {
    warn(`Nothing to replace: there is no ${path}, the log of an earlier run.`);
    return;
  }
  const log = await openRunLog(path);
  try {
    const { removed, kept, gone } = await undoRun(client, log, task, { uploads: createUploadLog(values.uploads), signal });
    warn(`Replacing: ${removed} shapes were taken back, ${kept} kept because somebody changed them, ${gone} had been deleted already.`);
  } finally {
    await log.close();
  }
}

function logPath({ log }: Values, { url }: CvatClient, target: { task: number } | { job: number }): string {
  const host = new URL(url).host.replace(/[^a-zA-Z0-9.-]+/g, '-');
  return log ?? `prosam-cvat-${host}-${'task' in target ? `task-${target.task}` : `job-${target.job}`}.jsonl`;
}

/** Settings that must be the same for a run to resume. */
function settingsOf(values: Values, plan: TaskPlan, referenceFrames: readonly number[]): Record<string, unknown> {
  const { form, instances, attributes, method, strategy, minArea, fillHoles, largestOnly, dense, model, url, project } = values;
  const threshold = values.threshold === undefined ? undefined : String(values.threshold);
  const labels = plan.labels.map(({ name }) => name).sort();
  const tolerance = values.tolerance === DEFAULT_TOLERANCE ? undefined : values.tolerance;
  const leastPart = values.leastPart === DEFAULT_LEAST_PART ? undefined : values.leastPart;
  const given = {
    form,
    instances,
    attributes,
    tolerance,
    leastPart,
    threshold,
    method,
    strategy,
    dense,
    model,
    url,
    project,
    minArea,
    fillHoles,
    largestOnly,
  };
  return {
    referenceFrames,
    labels,
    ...Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined && value !== false)),
  };
}

function announce(plan: TaskPlan, { warn }: Terminal): void {
  const frames = plan.jobs.reduce((sum, job) => sum + job.frames.length, 0);
  const names = plan.labels.map(({ name }) => name).join(', ');
  warn(`Task ${plan.task.id} "${plan.task.name}": ${names} in ${frames} frames of ${plan.jobs.length} jobs.`);
  if (plan.deleted.length > 0) warn(`${plan.deleted.length} deleted frames are left out.`);
  for (const { label, reason } of plan.leftOut) warn(`Left out: ${label}: ${reason}.`);
  const valueOf = (value: string): string => (value === '' ? 'no text' : value);
  for (const [label, values] of plan.attributes.values) {
    const known = new Map(plan.labels.find(({ name }) => name === label)?.attributes.map(({ id, name }) => [id, name]));
    const given = values.map(({ spec_id: id, value }) => `${known.get(id)} ${valueOf(value)}`);
    if (given.length > 0) warn(`Attributes of ${label}: ${given.join(', ')}.`);
  }
  for (const { label, attribute, values } of plan.attributes.differing)
    warn(`Attribute ${attribute} of ${label}: its references differ (${values.map(valueOf).join(', ')}), so CVAT's default is used.`);
  for (const { label, type, reason } of plan.unused) warn(`Not used as a reference: ${label} (${type}): ${reason}`);
}

function predictorOf(values: Values, plan: TaskPlan, signal: AbortSignal | undefined): Promise<FramePredictor> {
  const usual = { ...predictOptions(values), ...(values.instances && { instances: true }) };
  const options = { ...usual, ...(signal && { signal }) };
  if (values.url === undefined) return localPredictor(plan.references, engineOptions(values), options);
  const project = values.project ?? (plan.task.project_id === null ? `cvat/task-${plan.task.id}` : `cvat/project-${plan.task.project_id}`);
  return Promise.resolve(
    servicePredictor(plan.references, {
      url: values.url,
      token: process.env.PROSAM_TOKEN,
      project,
      options: withoutReduction(usual),
      signal,
    }),
  );
}

/** Options for the service, which decides itself how annotations become cells. */
function withoutReduction(options: PredictOptions): ServiceOptions['options'] {
  return Object.fromEntries(Object.entries(options).filter(([name]) => name !== 'labelReduction'));
}

async function dryRunImage(folder: string, of: { server: string; task: number }, report: FrameReport): Promise<string | undefined> {
  const { frame, image, name, masks, outcome } = report;
  if (image === undefined || outcome === 'failed') return undefined;
  const path = await ownPlace(folder, `frame-${String(frame).padStart(6, '0')}`, '.png', { ...of, frame });
  await writeOwn(path, await drawFrame(image, name, masks), { about: { ...of, frame } });
  return path;
}

function jsonOf({ frame, name, outcome, shapes, leftOut, masks, error, milliseconds }: FrameReport, picture: string | undefined) {
  return {
    ...{ frame, name, outcome, shapes, leftOut },
    masks: masks.map(({ label, score }) => ({ label, score: Number(score.toFixed(4)) })),
    milliseconds: Object.fromEntries(Object.entries(milliseconds).map(([stage, value]) => [stage, Number(value.toFixed(1))])),
    ...(picture !== undefined && { picture }),
    ...(error !== undefined && { error: errorText(error) }),
  };
}

function errorText(error: unknown): string {
  return `${isProsamError(error) ? `${error.code}: ` : ''}${messageOf(error)}`;
}
