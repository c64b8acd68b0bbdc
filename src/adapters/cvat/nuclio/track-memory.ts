/** State of tracked objects: CVAT's browser holds only a short ticket for it, signed by this process. */
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { createLruMap } from '../../../core/common/lru-map.ts';
import { ProsamError } from '../../../core/common/errors.ts';
import type { Annotation } from '../../../core/mask/annotation.ts';
import type { TrackState } from '../../../core/engine/types.ts';

export type TrackedType = 'mask' | 'polygon' | 'rectangle';

/** A frame and the object in it. */
export interface Sighting {
  sha256: string;
  annotation: Annotation;
}

export interface Track {
  type: TrackedType;
  /** Shapes are lists of numbers without a type, as older versions of CVAT send them. */
  bare: boolean;
  first: Sighting;
  /** The newest frame in which it was found. */
  recent?: Sighting;
  /** The engine's, of the last step; none before the first. */
  state?: TrackState;
  /** Its last shape. */
  points: readonly number[];
}

export interface Ticket {
  id: string;
  key: string;
}

export interface TrackMemory {
  /** A step of a track; earlier ones stay, so that somebody may go back and follow again from there. */
  keep(track: Track): Ticket;
  /** @throws TRACK_NOT_FOUND */
  find(ticket: Ticket): Track;
  keepImage(sha256: string, bytes: Uint8Array): void;
  /** Images are forgotten before tracks. */
  image(sha256: string): Uint8Array | undefined;
}

export interface TrackMemoryOptions {
  /** Steps kept. @default 10,000 */
  steps?: number;
  /** Bytes of their shapes and masks, some thousand each; those of detailed masks take a hundred times that. @default 64 MiB */
  stepBytes?: number;
  /** Bytes of image files kept. @default 256 MiB */
  imageBytes?: number;
}

export function createTrackMemory({
  steps = 10_000,
  stepBytes = 64 * 2 ** 20,
  imageBytes = 256 * 2 ** 20,
}: TrackMemoryOptions = {}): TrackMemory {
  const secret = randomBytes(32);
  const tracks = createLruMap<string, Track>({
    max: stepBytes,
    sizeOf: (track) => Math.max(Math.floor(stepBytes / steps), bytesOf(track)),
  });
  const images = createLruMap<string, Uint8Array>({ max: imageBytes, sizeOf: (bytes) => bytes.byteLength });
  const sign = (id: string): Buffer => createHmac('sha256', secret).update(id).digest().subarray(0, 16);
  const lost = (): ProsamError =>
    new ProsamError(
      'TRACK_NOT_FOUND',
      'This track is not remembered here any more. Start it again from a frame where the object is marked.',
    );
  return {
    keep(track) {
      const id = randomBytes(12).toString('base64url');
      tracks.set(id, track);
      return { id, key: sign(id).toString('base64url') };
    },
    find({ id, key }) {
      const given = Buffer.from(key, 'base64url');
      const track = given.length === 16 && timingSafeEqual(given, sign(id)) ? tracks.get(id) : undefined;
      if (track === undefined) throw lost();
      return track;
    },
    keepImage: (sha256, bytes) => images.set(sha256, bytes),
    image: (sha256) => images.get(sha256),
  };
}

/** Without what every step has. The first frame's mask is shared by all steps of a track, and counted for each. */
function bytesOf({ points, first, recent }: Track): number {
  const seen = [first, ...(recent ? [recent] : [])].map(({ annotation }) => ('rle' in annotation ? annotation.rle.counts : []));
  return seen.reduce((sum, counts) => sum + (typeof counts === 'string' ? 1 : 8) * counts.length, 8 * points.length);
}
