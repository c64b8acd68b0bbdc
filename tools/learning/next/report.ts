/** Curves over labeled images with intervals, and how many images an order needs for what random order reaches. */
import { seededRandom, uniformInt, type Random } from '../../../src/core/common/random.ts';
import { markdownTable } from '../../markdown.ts';
import { byUse, intervalOf, RESAMPLES, type Interval } from '../rows.ts';

/** One simulated run; curve: mean IoU after 1, 2, ... labeled images. */
export interface Run {
  project: string;
  use: 'tune' | 'report';
  order: string;
  seed: number;
  curve: readonly number[];
}

export interface OrderFigures {
  order: string;
  /** One for each step. */
  curve: Interval[];
  /** Curve less that of another order. */
  ahead: { of: string; curve: Interval[] }[];
  /** Images for the mean IoU that random order has after so many, as a share of them; Infinity: not reached. */
  needed: { images: number; share: Interval }[];
}

export interface GroupFigures {
  name: string;
  projects: string[];
  seeds: number;
  orders: OrderFigures[];
}

const RANDOM = 'random';
/** Orders that the others are compared with. */
const COMPARED = [RANDOM, 'uncertainty'];

export function groupsOf(runs: readonly Run[], orders: readonly string[], reached: readonly number[]): GroupFigures[] {
  return byUse(runs).map(({ name, of }) => figuresOf(name, of, orders, reached));
}

/** Labels are drawn anew, then starts of each; every order has the same draws. */
function figuresOf(name: string, runs: readonly Run[], orders: readonly string[], reached: readonly number[]): GroupFigures {
  const projects = [...new Set(runs.map(({ project }) => project))];
  const seeds = [...new Set(runs.map(({ seed }) => seed))];
  const steps = Math.max(...runs.map(({ curve }) => curve.length));
  const curves = new Map(runs.map(({ project, order, seed, curve }) => [`${project} ${seed} ${order}`, curve]));
  const meanOf = (order: string, drawn: readonly (readonly [string, number])[]): number[] => {
    const sum = new Array<number>(steps).fill(0);
    for (const [project, seed] of drawn) {
      const curve = curves.get(`${project} ${seed} ${order}`) as readonly number[];
      // A pool that is exhausted stays what it is.
      for (let i = 0; i < steps; i++) sum[i] = (sum[i] as number) + (curve[Math.min(i, curve.length - 1)] as number) / drawn.length;
    }
    return sum;
  };
  const all = projects.flatMap((project) => seeds.map((seed) => [project, seed] as const));
  const random = seededRandom(1);
  const draws = Array.from({ length: RESAMPLES }, () => {
    const drawn = drawnFrom(random, projects).flatMap((project) => drawnFrom(random, seeds).map((seed) => [project, seed] as const));
    return new Map(orders.map((order) => [order, meanOf(order, drawn)]));
  });
  const own = new Map(orders.map((order) => [order, meanOf(order, all)]));
  const interval = (of: (means: ReadonlyMap<string, number[]>) => number): Interval => intervalOf(of(own), draws.map(of));
  const at = (means: ReadonlyMap<string, number[]>, order: string): number[] => means.get(order) as number[];
  return {
    ...{ name, projects, seeds: seeds.length },
    orders: orders.map((order) => ({
      order,
      curve: Array.from({ length: steps }, (_, i) => interval((means) => at(means, order)[i] as number)),
      ahead: orders
        .filter((other) => COMPARED.includes(other))
        .map((of) => ({
          of,
          curve: Array.from({ length: steps }, (_, i) =>
            interval((means) => (at(means, order)[i] as number) - (at(means, of)[i] as number)),
          ),
        })),
      needed: reached.map((images) => ({
        images,
        share: interval((means) => imagesFor(at(means, order), at(means, RANDOM)[images - 1] as number) / images),
      })),
    })),
  };
}

function drawnFrom<T>(random: Random, items: readonly T[]): T[] {
  return items.map(() => items[uniformInt(random, 0, items.length - 1)] as T);
}

/** Labeled images at which a curve first has a value, between two by a straight line. */
function imagesFor(curve: readonly number[], value: number): number {
  const after = curve.findIndex((iou) => iou >= value);
  if (after < 0) return Infinity;
  if (after === 0) return 1;
  const [before, there] = [curve[after - 1] as number, curve[after] as number];
  return after + (value - before) / (there - before);
}

const ranged = ({ value, low, high }: Interval, digits: number): string =>
  value === Infinity
    ? 'not reached'
    : `${value.toFixed(digits)} (${low.toFixed(digits)} to ${high === Infinity ? 'not reached' : high.toFixed(digits)})`;

/** -> Markdown. shown: numbers of labeled images */
export function textOf(groups: readonly GroupFigures[], shown: readonly number[]): string {
  return groups
    .map(({ name, projects, seeds, orders }) =>
      [
        `### ${name}: ${projects.join(', ')}; ${seeds} starts each`,
        `Mean IoU on images that nobody labeled, 95 % intervals over labels and starts`,
        markdownTable(
          ['labeled', ...shown.map(String)],
          orders.map(({ order, curve }) => [order, ...shown.map((n) => ranged(curve[n - 1] as Interval, 3))]),
        ),
        ...(orders[0]?.ahead ?? []).flatMap(({ of }, i) => [
          `Ahead of the order '${of}'`,
          markdownTable(
            ['labeled', ...shown.map(String)],
            orders
              .filter(({ order }) => order !== of)
              .map(({ order, ahead }) => [order, ...shown.map((n) => ranged(ahead[i]?.curve[n - 1] as Interval, 3))]),
          ),
        ]),
        'Images needed for what random order reaches, as a share',
        markdownTable(
          ['random order after', ...(orders[0]?.needed ?? []).map(({ images }) => String(images))],
          orders.map(({ order, needed }) => [order, ...needed.map(({ share }) => ranged(share, 2))]),
        ),
      ].join('\n\n'),
    )
    .join('\n\n');
}
