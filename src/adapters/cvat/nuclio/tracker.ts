/** A tracker at work: the marked object of one frame found again in the next ones. */
import { ProsamError } from '../../../core/common/errors.ts';
import { imageSize, type ImageLimits } from '../../../core/image/node/decode.ts';
import { cocoRleFromMask } from '../../../core/mask/rle.ts';
import { createPixelBudget } from '../../../core/mask/pixel-budget.ts';
import { emptyMask, maskExtentSteps } from '../../../core/mask/raster.ts';
import { parseAnnotation } from '../../../core/mask/annotation.ts';
import { drawAnnotation, withPixels } from '../../../core/mask/draw-annotation.ts';
import { runSteps } from '../../../core/mask/cooperative.ts';
import type { BinaryMask } from '../../../core/mask/label-reduction.ts';
import type { PredictionService } from '../../../service/types.ts';
import type { InstancePrediction, MaskPrediction } from '../../../core/engine/types.ts';
import type { AskedImage } from './request-image.ts';
import { largestOutline } from './crop.ts';
import { overlap } from './interactor.ts';
import type { TrackerBody } from './invocation-schemas.ts';
import { cvatRleFromMask, type PixelBox } from '../../../core/mask/cvat-rle.ts';
import { annotationFromShape } from '../shape-annotation.ts';
import type { Sighting, Track, TrackedType, TrackMemory } from './track-memory.ts';

export interface TrackerParts {
  service: { predictions: Pick<PredictionService, 'predict'> };
  memory: TrackMemory;
  tolerance: number;
  limits: ImageLimits;
}

interface Call {
  client: string;
  /** Name under which the engine's work is counted. */
  project: string;
  signal: AbortSignal;
}

/** Below it nothing was found. */
const LOST_BELOW = 0.3;
/** From it on, what was found helps to find it in the frame after. */
const SURE_FROM = 0.8;

type Shape = Exclude<TrackerBody['shapes'][number], null>;

/** Plain JSON. @throws REQUEST_INVALID, ANNOTATION_*, TRACK_NOT_FOUND, IMAGE_*, SERVICE_BUSY, ... */
export async function track(parts: TrackerParts, { shapes, states }: TrackerBody, image: AskedImage, call: Call): Promise<unknown> {
  if (states.length > 0) {
    const steps = [];
    for (const state of states) steps.push(await follow(parts, parts.memory.find(state), image, call));
    return { shapes: steps.map(({ shape }) => shape), states: steps.map(({ next }) => parts.memory.keep(next)) };
  }
  const marked = shapes.filter((shape): shape is Shape => shape !== null);
  if (marked.length === 0 || marked.length !== shapes.length)
    throw new ProsamError('REQUEST_INVALID', 'Expected shapes to follow, got none. Mark the object in this frame first.');
  const { width, height } = await imageSize(image.bytes, 'The frame', parts.limits);
  parts.memory.keepImage(image.sha256, image.bytes);
  createPixelBudget({ width, height }).takeWhole(marked.length);
  const tracks = [];
  for (const shape of marked) tracks.push(await begun(shape, { sha256: image.sha256, width, height }, call.signal));
  return { shapes: marked, states: tracks.map((one) => parts.memory.keep(one)) };
}

async function begun(
  shape: Shape,
  { sha256, width, height }: { sha256: string; width: number; height: number },
  signal: AbortSignal,
): Promise<Track> {
  const bare = Array.isArray(shape);
  const { type, points }: { type: TrackedType; points: readonly number[] } = bare ? { type: 'rectangle', points: shape } : shape;
  if (type === 'rectangle' && points.length !== 4)
    throw new ProsamError(
      'REQUEST_INVALID',
      `Expected a rectangle of four numbers x1, y1, x2, y2, got ${points.length}. Draw a rectangle.`,
    );
  const drawn = annotationFromShape({ type, points }, width, height);
  const mask = emptyMask(width, height);
  await runSteps(drawAnnotation(mask, withPixels(parseAnnotation(drawn))), signal);
  const box = (await runSteps(maskExtentSteps(mask), signal)).boxXyxy as PixelBox;
  // Rectangles stay as they are, masks take a fraction of their pixels.
  const annotation = type === 'rectangle' ? drawn : { rle: await cocoRleFromMask(mask, { signal }) };
  return { type, bare, first: { sha256, annotation }, box, points };
}

async function follow(
  { service, memory, tolerance }: TrackerParts,
  before: Track,
  { bytes, sha256 }: AskedImage,
  { client, project, signal }: Call,
): Promise<{ shape: unknown; next: Track }> {
  const sightings = [before.first, ...(before.recent ? [before.recent] : [])];
  const references = sightings.flatMap(({ sha256: hash, annotation }: Sighting) => {
    const image = memory.image(hash);
    return image ? [{ image, label: 'object', ...annotation }] : [];
  });
  if (references.length === 0)
    throw new ProsamError(
      'TRACK_NOT_FOUND',
      'The first frame of this track is not remembered any more. Start it again from a marked frame.',
    );
  // Whether the object is still there is judged by its last place, below.
  const options = { instances: true, threshold: 0 };
  const request = { project, image: bytes, references, client, remember: false, options };
  const [found] = (await service.predictions.predict(request, { signal })).masks;
  const part = found && nearest(found, before.box);
  if (found === undefined || part === undefined || part.score < LOST_BELOW)
    return { shape: before.bare ? before.points : null, next: before };
  const whole = placed(part, found.mask);
  const points = await pointsOf(before.type, part, whole, tolerance, signal);
  const next: Track = { ...before, box: part.boxXyxy, points };
  if (part.score >= SURE_FROM) {
    memory.keepImage(sha256, bytes);
    next.recent = { sha256, annotation: { rle: await cocoRleFromMask(whole, { signal }) } };
  }
  return { shape: before.bare ? points : { type: before.type, points }, next };
}

/** Nearest instance to the last position, among several alike. */
function nearest({ instances = [] }: MaskPrediction, box: PixelBox): InstancePrediction | undefined {
  const rated = instances.map((one) => ({ one, near: overlap(one.boxXyxy, box) - distance(one.boxXyxy, box) }));
  return rated.sort((a, b) => b.near - a.near)[0]?.one;
}

/** Between the middles, in sizes of the box. */
function distance(a: PixelBox, b: PixelBox): number {
  const [dx, dy] = [(a[0] + a[2] - b[0] - b[2]) / 2, (a[1] + a[3] - b[1] - b[3]) / 2];
  return Math.hypot(dx, dy) / Math.hypot(b[2] - b[0], b[3] - b[1]);
}

/** One region alone, at the size of the image. */
function placed({ boxXyxy: [x0, y0], mask }: InstancePrediction, { width, height }: BinaryMask): BinaryMask {
  const data = new Uint8Array(width * height);
  for (let y = 0; y < mask.height; y++) data.set(mask.data.subarray(y * mask.width, (y + 1) * mask.width), (y0 + y) * width + x0);
  return { data, width, height };
}

async function pointsOf(
  type: TrackedType,
  { boxXyxy, mask }: InstancePrediction,
  whole: BinaryMask,
  tolerance: number,
  signal: AbortSignal,
): Promise<readonly number[]> {
  if (type === 'rectangle') return boxXyxy;
  if (type === 'mask') return cvatRleFromMask(whole, signal);
  return (await largestOutline(mask, boxXyxy, tolerance, signal)).flat();
}
