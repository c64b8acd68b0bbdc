/** Agreement of found objects with those that are there. */
import type { Region } from '../../../src/core/mask/instances.ts';

export interface InstanceScore {
  /** Share of objects found and of finds that are objects, at an IoU above 0.5: 2 tp / (there + found). */
  f1: number;
  /** IoU of every matched object. */
  matched: number[];
  /** Objects found less those that are there. */
  extra: number;
}

/** Above 0.5 an object matches one find at most, as masks of one picture are disjoint on both sides. truth: 0, or the object of every pixel. */
export function scoreInstances(truth: Uint8Array, width: number, found: readonly Region[]): InstanceScore {
  const areas = new Map<number, number>();
  for (const object of truth) if (object !== 0) areas.set(object, (areas.get(object) ?? 0) + 1);
  const matched: number[] = [];
  for (const {
    boxXyxy: [x0, y0],
    mask,
    area,
  } of found) {
    const shared = new Map<number, number>();
    mask.data.forEach((value, i) => {
      if (value === 0) return;
      const object = truth[(y0 + Math.floor(i / mask.width)) * width + x0 + (i % mask.width)] as number;
      if (object !== 0) shared.set(object, (shared.get(object) ?? 0) + 1);
    });
    const ious = [...shared].map(([object, pixels]) => pixels / (area + (areas.get(object) as number) - pixels));
    const best = Math.max(0, ...ious);
    if (best > 0.5) matched.push(best);
  }
  const all = areas.size + found.length;
  return { f1: all === 0 ? 1 : (2 * matched.length) / all, matched, extra: found.length - areas.size };
}
