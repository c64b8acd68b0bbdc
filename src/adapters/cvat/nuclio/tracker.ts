/** A tracker at work: the marked object of one frame found again in the next ones. */
import { ProsamError } from '../../../core/common/errors.ts';
import { imageSize, type ImageLimits } from '../../../core/image/node/decode.ts';
import { cocoRleFromMask } from '../../../core/mask/rle.ts';
import { createPixelBudget } from '../../../core/mask/pixel-budget.ts';
import { emptyMask } from '../../../core/mask/raster.ts';
import { parseAnnotation } from '../../../core/mask/annotation.ts';
import { drawAnnotation, withPixels } from '../../../core/mask/draw-annotation.ts';
import { runSteps } from '../../../core/mask/cooperative.ts';
import type { BinaryMask } from '../../../core/mask/label-reduction.ts';
import type { PredictionService } from '../../../service/types.ts';
import type { AskedImage } from './request-image.ts';
import { largestOutline } from './crop.ts';
import type { TrackerBody } from './invocation-schemas.ts';
import { cvatRleFromMask, type PixelBox } from '../../../core/mask/cvat-rle.ts';
import { annotationFromShape } from '../shape-annotation.ts';
import type { Sighting, Track, TrackedType, TrackMemory } from './track-memory.ts';

export interface TrackerParts {
  service: { predictions: Pick<PredictionService, 'track'> };
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
  // Rectangles stay as they are, masks take a fraction of their pixels.
  const annotation = type === 'rectangle' ? drawn : { rle: await cocoRleFromMask(mask, { signal }) };
  return { type, bare, first: { sha256, annotation }, points };
}

async function follow(
  { service, memory, tolerance }: TrackerParts,
  before: Track,
  { bytes, sha256 }: AskedImage,
  { client, project, signal }: Call,
): Promise<{ shape: unknown; next: Track }> {
  const shown = ({ sha256: hash, annotation }: Sighting) => {
    const image = memory.image(hash);
    return image && { image, ...annotation };
  };
  const first = shown(before.first);
  if (first === undefined)
    throw new ProsamError(
      'TRACK_NOT_FOUND',
      'The first frame of this track is not remembered any more. Start it again from a marked frame.',
    );
  const recent = before.recent && shown(before.recent);
  const request = { project, image: bytes, first, recent, state: before.state, client };
  const { found, mask, boxXyxy, state } = await service.predictions.track(request, { signal });
  const lost = { shape: before.bare ? before.points : null, next: { ...before, state } };
  if (!found || mask === undefined || boxXyxy === undefined) return lost;
  const points = await pointsOf(before.type, boxXyxy, mask, tolerance, signal);
  // Fewer corners are no polygon to CVAT.
  if (before.type === 'polygon' && points.length < 6) return lost;
  memory.keepImage(sha256, bytes);
  const annotation = { rle: await cocoRleFromMask(mask, { signal }) };
  const next: Track = { ...before, points, state, recent: { sha256, annotation } };
  return { shape: before.bare ? points : { type: before.type, points }, next };
}

async function pointsOf(
  type: TrackedType,
  box: PixelBox,
  mask: BinaryMask,
  tolerance: number,
  signal: AbortSignal,
): Promise<readonly number[]> {
  if (type === 'rectangle') return box;
  if (type === 'mask') return cvatRleFromMask(mask, signal);
  return (await largestOutline(mask, [0, 0], tolerance, signal)).flat();
}
