/** Place of a known look in a frame: a coarse search bounded by what the object can have moved, then alignment, coarse to fine. */
import type { Steps } from '../../mask/cooperative.ts';
import type { Raster } from '../../image/pillow-resize.ts';
import { align, type Aligned } from './align.ts';
import { levelsOf, type Level } from './levels.ts';
import type { Look } from './look.ts';
import type { Pose } from './pose.ts';
import type { Samples } from './samples.ts';
import { SIZES } from './state.ts';
import { search } from './search.ts';

/** Candidates of the coarse search that are aligned. */
const CANDIDATES = 5;
/** Trust in a place near the expected one, from which on no other is searched for. */
const AT_ONCE = 0.95;
/** Reach of the search in sides of a square as large as the object, for a frame and for each more in which it was lost. */
const REACH = 1.2;
const REACH_MORE = 0.8;
const MAX_REACH = 5;
const VARIANTS = [
  { growth: 1, turn: 0 },
  { growth: 1.15, turn: 0 },
  { growth: 1 / 1.15, turn: 0 },
  { growth: 1, turn: 0.26 },
  { growth: 1, turn: -0.26 },
] as const;
/** Cost in trust of a move by the object's side beyond what was expected. */
const MOVE_COST = 0.06;
const GROWTH_COST = 0.3;
/** Candidates that stay after a level, the finest first. */
const KEPT = [1, 2, 3] as const;
const FIT_POWER = 0.3;
const UNKNOWN = { agreement: 0, change: 0, fitting: 0, inside: 0, trust: 0, light: { gain: 1, offset: [0, 0, 0] } } as const;

export interface Located extends Aligned {
  /** Trust in it, at most 1: how well it fits, less for a place far from the expected one. */
  trust: number;
}

/** starts: poses from which alignment begins, the expected one first. lost: frames since the object was last seen. */
export function* locate(look: Look, frame: Raster, starts: readonly Pose[], lost: number): Steps<Located | undefined> {
  const expected = starts[0] as Pose;
  const levels = levelsOf(frame, look.scales);
  yield;
  const side = Math.sqrt(look.area) * expected.scale;
  const here = yield* refined(look, levels, starts, { expected, side, lost });
  if (here !== undefined && here.trust >= AT_ONCE) return here;
  const coarse = levels.length - 1;
  const radius = Math.min(MAX_REACH, REACH + REACH_MORE * lost) * side;
  const found = yield* search(look.samples[coarse] as Samples, levels[coarse] as Level, {
    ...{ expected, radius, variants: VARIANTS, most: CANDIDATES },
  });
  const there = yield* refined(
    look,
    levels,
    found.map(({ pose }) => pose),
    { expected, side, lost },
  );
  return here !== undefined && (there === undefined || here.trust >= there.trust) ? here : there;
}

/** The best of several poses, aligned coarse to fine, fewer at each level. */
function* refined(
  look: Look,
  levels: readonly Level[],
  poses: readonly Pose[],
  { expected, side, lost }: { expected: Pose; side: number; lost: number },
): Steps<Located | undefined> {
  let at: Located[] = poses.map((pose) => ({ ...UNKNOWN, pose }));
  for (let level = levels.length - 1; level >= 0; level--) {
    const next: Located[] = [];
    for (const { pose } of at) {
      const aligned = align(look.samples[level] as Samples, levels[level] as Level, pose);
      yield;
      if (aligned === undefined || aligned.pose.scale < SIZES[0] || aligned.pose.scale > SIZES[1]) continue;
      next.push({ ...aligned, trust: fitOf(aligned) - moveCost(aligned.pose, expected, side, lost) });
    }
    at = next.sort((a, b) => b.trust - a.trust).slice(0, KEPT[level] ?? KEPT.at(-1));
  }
  return at[0];
}

/** Cost of a move beyond what was expected; an object that was lost may have gone anywhere. */
function moveCost(pose: Pose, expected: Pose, side: number, lost: number): number {
  const far = Math.hypot(pose.x - expected.x, pose.y - expected.y) / side;
  const grown = Math.abs(Math.log(pose.scale / expected.scale));
  return (MOVE_COST * Math.max(0, far - 0.2) + GROWTH_COST * Math.max(0, grown - 0.1)) / (1 + lost);
}

/** 0..1: how well the samples that fit agree, less where few of those in the image fit, and where the color is another. */
function fitOf({ agreement, fitting, inside, change }: Omit<Aligned, 'pose' | 'light'>): number {
  return Math.max(0, agreement) * Math.min(1, fitting / inside) ** FIT_POWER - Math.max(0, change - 15) / 150;
}
