/** Counts on images that nobody labeled, and means over projects with intervals. */
import { seededRandom, uniformInt } from '../../src/core/common/random.ts';
import { confusion } from '../../src/core/mask/metrics.ts';
import type { ProjectImage } from './projects.ts';
import type { Way } from './ways.ts';

interface Errors {
  /** 0..1 */
  iou: number;
  /** Share of the image's pixels that a person has to correct, 0..1. */
  corrected: number;
}

export interface Row extends Errors {
  /** Clicks until the mask is good enough, 0 to 10. */
  clicks: number;
}

export function errorsOf(mask: Uint8Array, { truth, ignore }: ProjectImage): Errors {
  const { tp, fp, fn, tn } = confusion(mask, truth.data, ignore);
  return { iou: tp + fp + fn === 0 ? 1 : tp / (tp + fp + fn), corrected: (fp + fn) / Math.max(1, tp + fp + fn + tn) };
}

/** One project after so many accepted masks, answered in one way. */
export interface Cell {
  project: string;
  use: 'tune' | 'report';
  way: Way;
  accepted: number;
  seed: number;
  facts: Record<string, unknown>;
  /** One for each image, in the same order for all ways and steps. */
  rows: Row[];
}

export interface Interval {
  value: number;
  low: number;
  high: number;
}

export interface Point {
  way: Way;
  accepted: number;
  projects: number;
  iou: number;
  corrected: number;
  clicks: number;
  /** IoU against the way that others are held against, on the same images. */
  ahead: Interval;
  /** The project that is furthest behind them. */
  worst: { project: string; ahead: number } | undefined;
}

export interface Measured {
  /** The way that the others are held against. */
  base: Way;
  ways: readonly Way[];
  steps: readonly number[];
  groups: { name: string; projects: string[]; points: Point[] }[];
  cells: {
    project: string;
    use: Cell['use'];
    way: Way;
    accepted: number;
    iou: number;
    corrected: number;
    clicks: number;
    facts: Cell['facts'];
  }[];
}

/** Draws of an interval. */
export const RESAMPLES = 1000;

/** All, then those that constants were chosen on, then the others; without the groups that are empty. */
export function byUse<T extends Pick<Cell, 'use'>>(all: readonly T[]): { name: string; of: readonly T[] }[] {
  return [
    { name: 'all', of: all },
    { name: 'constants were chosen on', of: all.filter(({ use }) => use === 'tune') },
    { name: 'only measured', of: all.filter(({ use }) => use === 'report') },
  ].filter(({ of }) => of.length > 0);
}

/** The middle 95 % of what came of RESAMPLES draws. */
export function intervalOf(value: number, drawn: readonly number[]): Interval {
  const sorted = drawn.toSorted((a, b) => a - b);
  const at = (share: number): number => sorted[Math.min(RESAMPLES - 1, Math.floor(share * RESAMPLES))] as number;
  return { value, low: at(0.025), high: at(0.975) };
}

export function measured(cells: readonly Cell[], ways: readonly Way[], steps: readonly number[], base: Way): Measured {
  return {
    ...{ base, ways, steps },
    groups: byUse(cells).map(({ name, of }) => ({
      name,
      projects: [...new Set(of.map(({ project }) => project))],
      points: ways.flatMap((way) => steps.flatMap((step) => pointOf(of, way, step, base) ?? [])),
    })),
    cells: cells.map(({ rows, project, use, way, accepted, facts }) => ({
      ...{ project, use, way, accepted, facts },
      iou: mean(rows.map(({ iou }) => iou)),
      corrected: mean(rows.map(({ corrected }) => corrected)),
      clicks: mean(rows.map(({ clicks }) => clicks)),
    })),
  };
}

/** Over the projects that every way has at this step, so that all are means of the same images. */
function pointOf(cells: readonly Cell[], way: Way, accepted: number, baseWay: Way): Point | undefined {
  const here = cells.filter((cell) => cell.accepted === accepted);
  const ways = new Set(here.map((cell) => cell.way));
  const whole = (project: string): boolean => here.filter((cell) => cell.project === project).length === ways.size;
  const at = (which: Way) => new Map(here.filter((cell) => cell.way === which && whole(cell.project)).map((cell) => [cell.project, cell]));
  const base = at(baseWay);
  const pairs = [...at(way)].flatMap(([project, own]) => {
    const other = base.get(project);
    return other ? [{ project, own, differences: own.rows.map(({ iou }, i) => iou - (other.rows[i] as Row).iou) }] : [];
  });
  if (pairs.length === 0) return undefined;
  const each = pairs.map(({ project, differences }) => ({ project, ahead: mean(differences) }));
  return {
    ...{ way, accepted, projects: pairs.length },
    iou: mean(pairs.map(({ own }) => mean(own.rows.map(({ iou }) => iou)))),
    corrected: mean(pairs.map(({ own }) => mean(own.rows.map(({ corrected }) => corrected)))),
    clicks: mean(pairs.map(({ own }) => mean(own.rows.map(({ clicks }) => clicks)))),
    ahead: pairedInterval(pairs.map(({ differences }) => differences)),
    worst: each.sort((a, b) => a.ahead - b.ahead)[0],
  };
}

/** Mean over projects of the mean over images, with a 95 % interval by drawing images again within each project. */
function pairedInterval(differences: readonly (readonly number[])[]): Interval {
  const random = seededRandom(321);
  const draws = Array.from({ length: RESAMPLES }, () =>
    mean(differences.map((each) => mean(each.map(() => each[uniformInt(random, 0, each.length - 1)] as number)))),
  );
  return intervalOf(mean(differences.map(mean)), draws);
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);
}
