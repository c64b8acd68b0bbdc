/** A whole task filled from one labeled frame: read, predict, upload, verify; every step in the log before the next. */
import { DEFAULT_TOLERANCE } from '../../../core/mask/polygon-groups.ts';
import { DEFAULT_MIN_INSTANCE_SHARE } from '../../../core/engine/defaults.ts';
import { isProsamError, ProsamError } from '../../../core/common/errors.ts';
import type { Region } from '../../../core/mask/instances.ts';
import type { BinaryMask } from '../../../core/mask/label-reduction.ts';
import type { CvatClient } from '../api/client.ts';
import { labelsOnFrame } from './frame-annotations.ts';
import { checkShapes, formFor, shapesOfMask, type ShapeForm } from './new-shapes.ts';
import { sizeOf, type TaskPlan } from './plan.ts';
import type { RunLog } from './run-log.ts';
import { changedShapes, shapeDigest, storeShapes, type StoredShape } from './store.ts';
import type { CvatAnnotations, CvatShape, NewCvatShape } from '../api/types.ts';
import type { UploadLog, UploadedShape } from '../types.ts';

export interface PredictedMask {
  label: string;
  /** At the frame's own size. */
  mask: BinaryMask;
  /** 0..1 */
  score: number;
  /** Its separate objects, where they were asked for. */
  instances?: readonly Region[];
}

/** Masks of these labels on one frame. */
export type PredictFrame = (image: Uint8Array, labels: readonly string[], frame: number) => Promise<PredictedMask[]>;

export interface FrameReport {
  frame: number;
  name: string;
  outcome: 'predicted' | 'nothing' | 'covered' | 'failed';
  /** Shapes for this frame. */
  shapes: number;
  /** Parts that were too small for a shape of their own. */
  leftOut: number;
  masks: PredictedMask[];
  image?: Uint8Array;
  error?: unknown;
  /** Milliseconds of fetching the image, predicting, and turning masks into shapes. */
  milliseconds: { fetch: number; predict: number; shapes: number };
}

export interface AnnotateOptions {
  client: CvatClient;
  plan: TaskPlan;
  predict: PredictFrame;
  /** Without one nothing is uploaded. */
  log?: RunLog | undefined;
  form: ShapeForm;
  /** One shape for each object that the predictions tell apart. */
  instances: boolean;
  /** Pixels an outline may deviate, 0 to 100; less where a region would change too much. @default 1 */
  tolerance?: number;
  /** Smallest region, as a share of the image. @default 0.0005 */
  minShare?: number;
  /** Smallest part of a mask that gets a shape of its own, as a share of the largest, 0 to 1. @default 0.05 */
  leastPart?: number;
  /** Frames of one upload. @default 10 */
  batchFrames?: number;
  onFrame?: (report: FrameReport) => Promise<void> | void;
  /** Told what was stored, for whoever compares it later with what people made of it. */
  uploads?: Pick<UploadLog, 'add'> | undefined;
  onUpload?: (milliseconds: number, shapes: number) => void;
  signal?: AbortSignal | undefined;
  /** Before an upload whose fate is unknown is looked up. @default 1000 */
  pauseMs?: number;
}

export interface AnnotateResult {
  frames: number;
  predicted: number;
  nothing: number;
  covered: number;
  failed: number;
  shapes: number;
  /** Parts that were too small for a shape of their own. */
  leftOut: number;
  /** Uploaded and not found as it was sent when looked at afterwards. */
  lost: number;
}

/** Numbers in one request's shapes: some megabytes of JSON. */
const MAX_NUMBERS = 500_000;

/** @throws CVAT_FAILED, CVAT_REFUSED: what was stored is in the log, and the same run goes on there; OUTPUT_FAILED */
export async function annotateTask(options: AnnotateOptions): Promise<AnnotateResult> {
  const total: AnnotateResult = { frames: 0, predicted: 0, nothing: 0, covered: 0, failed: 0, shapes: 0, leftOut: 0, lost: 0 };
  for (const { job, frames } of options.plan.jobs) await annotateJob(options, job, frames, total);
  return total;
}

async function annotateJob(options: AnnotateOptions, job: number, planned: readonly number[], total: AnnotateResult): Promise<void> {
  const { client, plan, log, signal, batchFrames = 10, onUpload } = options;
  const of = { job };
  const stored = log?.stored.get(job) ?? [];
  if (planned.every((frame) => log?.done.has(frame) === true) && log?.unknown.has(job) !== true) return;
  const there = await client.annotations(of, { signal });
  await reconcile(options, job, there.shapes);
  const frames = planned.filter((frame) => log?.done.has(frame) !== true);
  const before = new Set(there.shapes.map(({ id }) => id));
  let group = largestGroup(there);

  let waiting: { frames: number[]; shapes: NewCvatShape[] } = { frames: [], shapes: [] };
  const flush = async (): Promise<void> => {
    const { frames: sent, shapes } = waiting;
    waiting = { frames: [], shapes: [] };
    if (log === undefined || sent.length === 0) return;
    const started = performance.now();
    if (shapes.length > 0) await log.append({ event: 'sending', job, frames: sent, digests: shapes.map(shapeDigest) });
    const result = await storeShapes(client, of, shapes, {
      before,
      signal,
      ...(options.pauseMs !== undefined && { pauseMs: options.pauseMs }),
    });
    const lostFrames = new Set(result.dropped.map(({ frame }) => frame));
    await log.append({ event: 'stored', job, frames: sent.filter((frame) => !lostFrames.has(frame)), shapes: result.stored });
    for (const { id } of result.stored) before.add(id);
    total.shapes += result.stored.length;
    total.lost += result.dropped.length;
    await options.uploads?.add(client.url, plan.task.id, uploadedShapes(shapes, result.stored));
    if (shapes.length > 0) onUpload?.(performance.now() - started, shapes.length);
  };

  let ahead = fetchFrame(client, of, frames[0], signal);
  try {
    for (const [i, frame] of frames.entries()) {
      signal?.throwIfAborted();
      const fetched = ahead;
      const present = labelsOnFrame(there, frame);
      const labels = plan.labels.filter(({ id }) => !present.has(id));
      ahead = fetchFrame(client, of, frames[i + 1], signal);
      total.frames++;
      const { report, shapes } = await workOn(options, frame, labels, fetched, () => ++group);
      total[report.outcome]++;
      total.leftOut += report.leftOut;
      await options.onFrame?.(report);
      if (report.outcome === 'failed') continue;
      waiting.frames.push(frame);
      waiting.shapes.push(...shapes);
      const numbers = waiting.shapes.reduce((sum, { points }) => sum + points.length, 0);
      if (waiting.frames.length >= batchFrames || numbers >= MAX_NUMBERS) await flush();
    }
  } catch (error) {
    await ahead.catch(() => undefined);
    // What is predicted is worth keeping, unless CVAT itself is what failed.
    if (waiting.shapes.length > 0 && !(isProsamError(error) && error.code.startsWith('CVAT_'))) await flush().catch(() => undefined);
    throw error;
  }
  await flush();
  const ours = log?.stored.get(job) ?? [];
  const fresh = ours.slice(stored.length);
  if (fresh.length > 0) total.lost += (await changedShapes(client, of, fresh, signal)).length;
}

/** Largest number of a group in a job; 0 without groups. */
function largestGroup({ shapes, tracks }: CvatAnnotations): number {
  return [...shapes, ...tracks].reduce((most, { group }) => (typeof group === 'number' ? Math.max(most, group) : most), 0);
}

/** Digests tell which shape has which id. */
function uploadedShapes(shapes: readonly NewCvatShape[], stored: readonly StoredShape[]): UploadedShape[] {
  const byDigest = new Map(shapes.map((shape) => [shapeDigest(shape), shape]));
  return stored.flatMap(({ id, digest }) => {
    const shape = byDigest.get(digest);
    return shape ? [{ id, ...shape }] : [];
  });
}

interface Fetched {
  image?: Uint8Array;
  error?: unknown;
  milliseconds: number;
}

/** Never rejects: an error belongs to the turn of its frame. */
async function fetchFrame(
  client: CvatClient,
  of: { job: number },
  frame: number | undefined,
  signal: AbortSignal | undefined,
): Promise<Fetched> {
  const started = performance.now();
  if (frame === undefined) return { milliseconds: 0 };
  try {
    return { image: await client.frame(of, frame, { signal }), milliseconds: performance.now() - started };
  } catch (error) {
    return { error, milliseconds: performance.now() - started };
  }
}

async function workOn(
  { plan, predict, form, instances, leastPart, tolerance = DEFAULT_TOLERANCE, minShare = DEFAULT_MIN_INSTANCE_SHARE }: AnnotateOptions,
  frame: number,
  labels: TaskPlan['labels'],
  fetching: Promise<Fetched>,
  newGroup: () => number,
): Promise<{ report: FrameReport; shapes: NewCvatShape[] }> {
  const report: FrameReport = {
    ...{ frame, name: plan.nameOf(frame), outcome: 'covered', shapes: 0, leftOut: 0, masks: [] },
    milliseconds: { fetch: 0, predict: 0, shapes: 0 },
  };
  const { image, error, milliseconds } = await fetching;
  report.milliseconds.fetch = milliseconds;
  if (labels.length === 0) return { report, shapes: [] };
  try {
    if (image === undefined) throw error;
    report.image = image;
    let started = performance.now();
    const names = labels.map(({ name }) => name);
    report.masks = (await predict(image, names, frame)).filter(({ label }) => names.includes(label));
    report.milliseconds.predict = performance.now() - started;
    started = performance.now();
    const shapes: NewCvatShape[] = [];
    for (const { label, mask, score, instances: parts } of report.masks) {
      checkSize(mask, sizeOf(plan.meta, frame), frame);
      const target = labels.find(({ name }) => name === label) as TaskPlan['labels'][number];
      const how = { form: formFor(target, form) ?? form, tolerance, minShare, newGroup };
      const own = { ...(instances && parts && { parts }), ...(leastPart !== undefined && { leastPart }) };
      const made = await shapesOfMask(mask, { frame, label_id: target.id }, { ...how, ...own });
      report.leftOut += made.leftOut;
      const attributes = plan.attributes.values.get(label);
      shapes.push(...made.shapes.map((shape) => ({ ...shape, score: Number(score.toFixed(4)), ...(attributes && { attributes }) })));
    }
    checkShapes(shapes, sizeOf(plan.meta, frame));
    report.milliseconds.shapes = performance.now() - started;
    Object.assign(report, { shapes: shapes.length, outcome: shapes.length > 0 ? 'predicted' : 'nothing' });
    return { report, shapes };
  } catch (cause) {
    // One bad image must not end a run over thousands; everything else would fail the next frame, too.
    if (!isOneFrames(cause)) throw cause;
    return { report: { ...report, outcome: 'failed', error: cause }, shapes: [] };
  }
}

function isOneFrames(error: unknown): boolean {
  if (!isProsamError(error)) return false;
  if (/^(IMAGE|MASK|ANNOTATION)_/.test(error.code)) return true;
  // Frames that CVAT itself cannot give: 400 (out of range), 404, 410.
  const { answered } = error as { answered?: number };
  return error.code === 'CVAT_FAILED' && (answered === 400 || answered === 404 || answered === 410);
}

function checkSize(mask: BinaryMask, size: { width: number; height: number }, frame: number): void {
  if (mask.width === size.width && mask.height === size.height) return;
  throw new ProsamError(
    'MASK_SIZE_MISMATCH',
    `frame ${frame}: expected ${size.width} x ${size.height} pixels, as CVAT says, got an image of ${mask.width} x ${mask.height}.`,
  );
}

/** A run that ended in the middle of an upload: what arrived of it is found by what it says. */
async function reconcile({ client, plan, log, uploads }: AnnotateOptions, job: number, there: readonly CvatShape[]): Promise<void> {
  const unknown = log?.unknown.get(job);
  if (!log || !unknown) return;
  const byDigest = new Map<string, number[]>();
  for (const shape of there) {
    if (shape.source !== 'auto') continue;
    const digest = shapeDigest(shape);
    byDigest.set(digest, [...(byDigest.get(digest) ?? []), shape.id]);
  }
  const known = new Set((log.stored.get(job) ?? []).map(({ id }) => id));
  for (const { frames, digests } of unknown) {
    const found = digests.flatMap((digest) => {
      const id = byDigest.get(digest)?.find((one) => !known.has(one));
      if (id === undefined) return [];
      known.add(id);
      return [{ id, digest }];
    });
    // CVAT stores a request whole or not at all.
    await log.append({ event: 'stored', job, frames: found.length === digests.length ? frames : [], shapes: found });
    const ids = new Set(found.map(({ id }) => id));
    const arrived = there.filter(({ id }) => ids.has(id));
    await uploads?.add(
      client.url,
      plan.task.id,
      arrived.map(({ id, type, frame, label_id, points, rotation }) => ({ id, type, frame, label_id, points, rotation })),
    );
  }
}
