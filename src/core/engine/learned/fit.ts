/**
 * Fits numbers to a label's accepted masks: a probe on the features of cells, a change of the prompt encoder, and how much each map of a
 * target counts. Every number that is compared comes from images that it was not fitted to: each image in turn is left out, and predicted
 * from the others.
 */
import { ENOUGH_EXAMPLES, type LearnedMap, type LearnedValues, type PlainMap } from '../../checkpoint/learned-values.ts';
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
import { bothSeen, leftByAuto, type BothSeen } from './as-auto.ts';
import { needsTuning } from './maps.ts';
import { maskOf, trialOf, type FitParts, type Trial } from './trials.ts';
import { tuningOf } from './tuning/folds.ts';

/** Images that numbers are fitted to, at most: more cost time and gained nothing. */
export const MAX_EXAMPLES = 12;

const isEnough = (images: readonly unknown[]): boolean => images.length >= ENOUGH_EXAMPLES;

/** Maps that are taken as they are, the simplest first. */
const SINGLE_MAPS: readonly LearnedMap[] = ['redrawn', 'sharpened', 'pieces', 'likelier'];
/** Those that enough images alone can choose: nothing keeps them from targets unlike those. */
const FOR_ENOUGH: readonly LearnedMap[] = ['prosam', 'tuned'];

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
  const seen: BothSeen[] = [];
  for (const [left, reference] of references.entries()) {
    const others = references.filter((_, i) => i !== left);
    const probe = await runSteps(ridgeWeights(moments.filter((_, i) => i !== left)));
    if (probe === undefined) return none;
    const tuned = await tuning?.without(left);
    trials.push(await trialOf(context, { reference, others }, { probe, tuned }, parts, options));
    const both = isEnough(references) ? await bothSeen(context, parts.methods, { reference, others }, options) : undefined;
    if (both) seen.push(both);
    context.checkpoint();
  }
  const plains = parts.plain.map((name, i) => ({ name, each: trials.map(({ plain }) => plain[i] as number) }));
  const best = bestOf(plains);
  if (best === undefined) return none;
  const without = eachAsAuto(seen, plains, options) ?? best.each;
  const ways: Tried[] = [];
  for (const way of waysFor(trials)) {
    const each: number[] = [];
    for (const trial of trials) {
      const mix = await mixFor(
        way,
        trials.filter((other) => other !== trial),
      );
      const logits = mixed(mix, mapsOf(trial.maps, way.maps));
      const plain = trial.maps[best.name] as Float32Array;
      const map = way.everywhere ? logits : believed({ maps: way.maps, logits }, { name: best.name, logits: plain });
      each.push(iou(maskOf(context.geometry, trial.image, map), trial.truth.data));
      context.checkpoint();
    }
    ways.push({ way, each });
  }
  const found = chosenOf(ways, without);
  if (found === undefined) return none;
  const held = heldFrom(without, found.each);
  const probe = await runSteps(ridgeWeights(moments));
  if (probe === undefined || !pays(held, found.way.everywhere)) return { examples: references.length, held };
  const { bias, weights } = await mixFor(found.way, trials);
  const maps = Object.fromEntries(found.way.maps.map((name, i) => [name, weights[i] as number]));
  const change = needsTuning(found.way.maps) ? await tuning?.change() : undefined;
  const numbers = {
    probe: [...probe].map(Math.fround),
    bias,
    maps,
    ...(!found.way.everywhere && { plain: best.name }),
    ...(change && { change }),
  };
  return { examples: references.length, held, numbers };
}

/** IoU of what 'auto' draws of each; undefined where it was not seen: it chooses on the references alone, or so few images say no more than those. */
function eachAsAuto(
  seen: readonly BothSeen[],
  plains: readonly { name: PlainMap; each: readonly number[] }[],
  options: PredictOptions,
): number[] | undefined {
  if (seen.length === 0) return undefined;
  const ofAuto = (leaves: boolean) => plains.find(({ name }) => (name === 'prosam') !== leaves);
  return leftByAuto(seen, options).map((leaves, i) => ofAuto(leaves)?.each[i] as number);
}

/** Map to take, or maps to add up, each by a fitted weight. */
interface Way {
  maps: readonly LearnedMap[];
  fitted: boolean;
  /** Believed in every target, also where it shows something else than a map that needs no numbers. */
  everywhere: boolean;
}

/** A way, and the IoU that it had in each left-out image. */
interface Tried {
  way: Way;
  each: readonly number[];
}

/**
 * The best of the ways that pay: one that draws every target only where it is clearly ahead of those that keep to targets where they agree.
 * without: IoU of each left-out image without fitted numbers.
 */
export function chosenOf(ways: readonly Tried[], without: readonly number[]): Tried | undefined {
  const paying = ways.filter(({ way, each }) => pays(heldFrom(without, each), way.everywhere));
  const [agreeing, everywhere] = [false, true].map((which) => bestOf(paying.filter(({ way }) => way.everywhere === which)));
  if (agreeing === undefined || everywhere === undefined) return agreeing ?? everywhere ?? bestOf(ways);
  return pays(heldFrom(agreeing.each, everywhere.each)) ? everywhere : agreeing;
}

function heldFrom(plain: readonly number[], learned: readonly number[]): Fitted['held'] {
  return learned.map((value, i) => ({ plain: plain[i] as number, learned: value }));
}

/** The simplest first, which is taken among equals. */
function waysFor(trials: readonly Trial[]): Way[] {
  const there = (name: LearnedMap): boolean => trials.every(({ maps }) => maps[name] !== undefined);
  const enough = isEnough(trials);
  const agreeing = SINGLE_MAPS.map((name) => ({ maps: [name], fitted: false, everywhere: false }));
  const ways: Way[] = enough
    ? [
        ...agreeing,
        ...[...SINGLE_MAPS, ...FOR_ENOUGH].map((name) => ({ maps: [name], fitted: false, everywhere: true })),
        { maps: WEIGHED_MAPS.filter(there), fitted: true, everywhere: false },
      ]
    : agreeing;
  return ways.filter(({ maps }) => maps.every(there));
}

function mixFor({ maps, fitted: isFitted }: Way, trials: readonly Trial[]): Promise<Mix> | Mix {
  if (!isFitted) return { bias: 0, weights: maps.map(() => 1 / maps.length) };
  return runSteps(fitMix(trials.map(({ example }) => ({ ...example, maps: maps.map((name) => example.maps[name] as Float32Array) }))));
}

function mapsOf(maps: Trial['maps'], names: readonly LearnedMap[]): Float32Array[] {
  return names.map((name) => maps[name] as Float32Array);
}

/** Least mean gain of left-out images: with smaller ones, masks of other images were as often worse as better. */
const MIN_GAIN = 0.005;

/** Least mean gain, in standard errors, of what is drawn in every target: a single image can make a mean. */
const MIN_ERRORS = 0.5;

/** Whether fitted numbers draw better masks of images that they were not fitted to. everywhere: also where they show something else. */
export function pays(held: Fitted['held'], everywhere = false): boolean {
  const gains = held.map(({ plain, learned }) => learned - plain);
  const mean = gains.reduce((sum, gain) => sum + gain, 0) / Math.max(1, gains.length);
  const variance = gains.reduce((sum, gain) => sum + (gain - mean) ** 2, 0) / Math.max(1, gains.length - 1);
  return mean > MIN_GAIN && (!everywhere || mean > MIN_ERRORS * Math.sqrt(variance / gains.length));
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
