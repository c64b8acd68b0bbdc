/**
 * Fits numbers to a label's accepted masks: a probe on the features of cells, a change of the prompt encoder, and how much each map of a
 * target counts. Every number that is compared comes from images that it was not fitted to: each image in turn is left out, and predicted
 * from the others.
 */
import type { LearnedMap, LearnedValues } from '../../checkpoint/learned-values.ts';
import { gridOf } from '../../image/geometry.ts';
import { runSteps } from '../../mask/cooperative.ts';
import { cellShares } from '../../mask/label-reduction.ts';
import { iou } from '../../mask/metrics.ts';
import type { MethodContext } from '../methods/method.ts';
import type { ShownReference } from '../one-per-image.ts';
import type { PredictOptions } from '../types.ts';
import { believed } from './agreement.ts';
import { cellRows } from './cell-rows.ts';
import { fitMix, mixed, type Mix } from './mix.ts';
import { momentsOf, type Moments } from './moments.ts';
import { ridgeWeights } from './ridge.ts';
import { maskOf, trialOf, type FitParts, type Trial } from './trials.ts';
import { tuningOf } from './tuning/folds.ts';

/** Images that numbers are fitted to, at most: more cost time and gained nothing. */
export const MAX_EXAMPLES = 12;

/** Images from which on weights of maps are fitted; fewer choose among single maps, as weights fitted to five lost 0.06 on one label. */
const ENOUGH_FOR_WEIGHTS = 8;

/** Maps that are added up by fitted weights. */
const WEIGHED_MAPS: readonly LearnedMap[] = ['prosam', 'nearest', 'probe', 'redrawn'];

type Fitted = Pick<LearnedValues, 'examples' | 'held' | 'numbers'>;

/** given: one for each image, in the order in which they count; the first MAX_EXAMPLES are used. */
export async function fitted(
  context: MethodContext,
  given: readonly ShownReference[],
  parts: FitParts,
  options: PredictOptions,
): Promise<Fitted> {
  const references = given.slice(0, MAX_EXAMPLES);
  const none: Fitted = { examples: references.length, held: [] };
  if (references.length < 2) return none;
  const moments: Moments[] = [];
  for (const reference of references) {
    moments.push(await momentsIn(context, reference));
    context.checkpoint();
  }
  const tuning = parts.tuning && (await tuningOf(context, references, parts.tuning));
  const trials: Trial[] = [];
  for (const [left, reference] of references.entries()) {
    const others = references.filter((_, i) => i !== left);
    const probe = await runSteps(ridgeWeights(moments.filter((_, i) => i !== left)));
    if (probe === undefined) return none;
    const tuned = await tuning?.without(left);
    trials.push(await trialOf(context, { reference, others }, { probe, tuned }, parts, options));
    context.checkpoint();
  }
  const plains = parts.plain.map((name, i) => ({ name, each: trials.map(({ plain }) => plain[i] as number) }));
  const best = bestOf(plains);
  if (best === undefined) return none;
  const ways: { way: Way; each: number[] }[] = [];
  for (const way of waysFor(trials)) {
    const each: number[] = [];
    for (const trial of trials) {
      const mix = await mixFor(
        way,
        trials.filter((other) => other !== trial),
      );
      const logits = mixed(mix, chosen(trial.maps, way.maps));
      const map = believed({ maps: way.maps, logits }, { name: best.name, logits: trial.maps[best.name] as Float32Array });
      each.push(iou(maskOf(context.geometry, trial.image, map), trial.truth.data));
      context.checkpoint();
    }
    ways.push({ way, each });
  }
  const found = bestOf(ways);
  if (found === undefined) return none;
  const held = found.each.map((learned, i) => ({ plain: best.each[i] as number, learned }));
  const probe = await runSteps(ridgeWeights(moments));
  if (probe === undefined || !pays(held)) return { examples: references.length, held };
  const { bias, weights } = await mixFor(found.way, trials);
  const maps = Object.fromEntries(found.way.maps.map((name, i) => [name, weights[i] as number]));
  const change = maps.tuned === undefined ? undefined : await tuning?.change();
  const numbers = { probe: [...probe].map(Math.fround), bias, maps, plain: best.name, ...(change && { change }) };
  return { examples: references.length, held, numbers };
}

/** Map to take, or maps to add up, each by a fitted weight. */
interface Way {
  maps: readonly LearnedMap[];
  fitted: boolean;
}

/** The simplest first, which is taken among equals. */
function waysFor(trials: readonly Trial[]): Way[] {
  const there = (name: LearnedMap): boolean => trials.every(({ maps }) => maps[name] !== undefined);
  const ways: Way[] = [
    { maps: ['redrawn'], fitted: false },
    { maps: ['sharpened'], fitted: false },
    { maps: ['pieces'], fitted: false },
    { maps: ['tuned'], fitted: false },
    ...(trials.length >= ENOUGH_FOR_WEIGHTS ? [{ maps: WEIGHED_MAPS.filter(there), fitted: true }] : []),
  ];
  return ways.filter(({ maps }) => maps.every(there));
}

function mixFor({ maps, fitted: isFitted }: Way, trials: readonly Trial[]): Promise<Mix> | Mix {
  if (!isFitted) return { bias: 0, weights: maps.map(() => 1 / maps.length) };
  return runSteps(fitMix(trials.map(({ example }) => ({ ...example, maps: maps.map((name) => example.maps[name] as Float32Array) }))));
}

function chosen(maps: Trial['maps'], names: readonly LearnedMap[]): Float32Array[] {
  return names.map((name) => maps[name] as Float32Array);
}

/** Least mean gain of left-out images: with smaller ones, masks of other images were as often worse as better. */
const MIN_GAIN = 0.005;

/** Whether fitted numbers draw better masks of images that they were not fitted to. */
export function pays(held: Fitted['held']): boolean {
  return held.reduce((sum, { plain, learned }) => sum + learned - plain, 0) > MIN_GAIN * held.length;
}

async function momentsIn({ geometry, networks }: MethodContext, reference: ShownReference): Promise<Moments> {
  const image = await reference.sam();
  const rows = cellRows(geometry, image, networks.matching.nearest.parts);
  const shares = cellShares(reference.mask, gridOf(geometry, image));
  return runSteps(
    momentsOf(
      rows,
      rows.cells.map((cell) => Math.min(1, shares[cell] as number)),
    ),
  );
}

/** The one with the largest sum, the first among equals. */
function bestOf<One extends { each: readonly number[] }>(all: readonly One[]): One | undefined {
  const sum = ({ each }: One): number => each.reduce((total, value) => total + value, 0);
  return all.reduce<One | undefined>((best, one) => (best === undefined || sum(one) > sum(best) ? one : best), undefined);
}
