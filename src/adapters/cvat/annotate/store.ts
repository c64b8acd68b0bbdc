/** Shapes put into CVAT exactly once, over lost connections, and taken out again where nobody changed them. */
import { createHash } from 'node:crypto';
import { isTransient, wait } from '../../../core/common/retry.ts';
import { OutboundError } from '../../http/outbound-response.ts';
import type { CvatClient } from '../api/client.ts';
import type { CvatShape, CvatTarget, NewCvatShape } from '../api/types.ts';

export interface StoredShape {
  id: number;
  digest: string;
}

export interface StoreResult {
  stored: StoredShape[];
  /** Sent, answered with success, and not there: CVAT drops what it does not want without a word. */
  dropped: NewCvatShape[];
}

/** Digest of a shape's content, ignoring fields that CVAT adds. */
export function shapeDigest({
  type,
  frame,
  label_id,
  points,
  rotation = 0,
}: {
  type: string;
  frame: number;
  label_id: number;
  points: readonly number[];
  rotation?: number;
}): string {
  const hundredths = (value: number): number => Math.round(100 * value) / 100;
  // Shapes that are not turned have the digests they had in the logs of earlier versions.
  const turn = hundredths(rotation) % 360 === 0 ? [] : [hundredths(rotation)];
  const text = JSON.stringify([type, frame, label_id, points.map(hundredths), ...turn]);
  return createHash('sha256').update(text).digest('base64url').slice(0, 22);
}

export interface StoreOptions {
  /** Shapes that were there before: none of them is taken for ours. */
  before: ReadonlySet<number>;
  /** @default 3 */
  attempts?: number;
  /** Before the second try. @default 1000 */
  pauseMs?: number;
  signal?: AbortSignal | undefined;
}

/**
 * A call whose answer was lost may have been carried out or not: what is there is read before anything is sent again.
 * @throws CVAT_FAILED, CVAT_REFUSED, with nothing known to be stored
 */
export async function storeShapes(
  client: CvatClient,
  of: CvatTarget,
  shapes: readonly NewCvatShape[],
  { before, attempts = 3, pauseMs = 1000, signal }: StoreOptions,
): Promise<StoreResult> {
  const stored: StoredShape[] = [];
  let missing = [...shapes];
  for (let attempt = 1; missing.length > 0; attempt++) {
    try {
      const created = await client.createShapes(of, missing, { signal });
      const { found, rest } = matched(created, missing);
      return { stored: [...stored, ...found], dropped: rest };
    } catch (error) {
      if (!(error instanceof OutboundError && isTransient({ status: error.answered }))) throw error;
      await wait(pauseMs * attempt, signal);
      const { shapes: there } = await client.annotations(of, { signal });
      const known = new Set([...before, ...stored.map(({ id }) => id)]);
      const { found, rest } = matched(
        there.filter(({ id, source }) => source === 'auto' && !known.has(id)),
        missing,
      );
      stored.push(...found);
      missing = rest;
      if (missing.length > 0 && attempt >= attempts) throw error;
    }
  }
  return { stored, dropped: [] };
}

/** Pairs of shapes that say the same; each is used once. */
function matched(there: readonly CvatShape[], wanted: readonly NewCvatShape[]): { found: StoredShape[]; rest: NewCvatShape[] } {
  const ids = new Map<string, number[]>();
  for (const shape of there) ids.set(shapeDigest(shape), [...(ids.get(shapeDigest(shape)) ?? []), shape.id]);
  const found: StoredShape[] = [];
  const rest = wanted.filter((shape) => {
    const digest = shapeDigest(shape);
    const id = ids.get(digest)?.shift();
    if (id !== undefined) found.push({ id, digest });
    return id === undefined;
  });
  return { found, rest };
}

/** Stored shapes that CVAT no longer has as they were sent. */
export async function changedShapes(
  client: CvatClient,
  of: CvatTarget,
  stored: readonly StoredShape[],
  signal?: AbortSignal,
): Promise<StoredShape[]> {
  const { shapes } = await client.annotations(of, { signal });
  const there = new Map(shapes.map((shape) => [shape.id, shapeDigest(shape)]));
  return stored.filter(({ id, digest }) => there.get(id) !== digest);
}

export interface RemoveResult {
  removed: number[];
  /** Edited by a person meanwhile: theirs now. */
  kept: number[];
  /** Deleted by a person meanwhile. */
  gone: number[];
}

/** Takes out what is still as it was sent. */
export async function removeShapes(
  client: CvatClient,
  of: CvatTarget,
  stored: readonly StoredShape[],
  signal?: AbortSignal,
): Promise<RemoveResult> {
  const { shapes } = await client.annotations(of, { signal });
  const there = new Map(shapes.map((shape) => [shape.id, shape]));
  const ours: CvatShape[] = [];
  const result: RemoveResult = { removed: [], kept: [], gone: [] };
  for (const { id, digest } of stored) {
    const shape = there.get(id);
    if (!shape) result.gone.push(id);
    else if (shape.source === 'auto' && shapeDigest(shape) === digest) ours.push(shape);
    else result.kept.push(id);
  }
  if (ours.length > 0) await client.deleteShapes(of, ours, { signal });
  result.removed = ours.map(({ id }) => id);
  return result;
}
