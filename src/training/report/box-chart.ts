/** Distributions side by side: median, quartiles, whiskers, outliers. */
import { scaleBand } from 'd3-scale';
import { escapeHtml } from './page.ts';
import { extent, linearScale } from './scales.ts';
import { baseLine, drawing, element, emptyNote, fitted, label, lookOf, tenth, textWidth, verticalAxis, WIDTH, type Plot } from './svg.ts';
import { thinCloud } from './thin.ts';

export interface BoxChartParts {
  title: string;
  /** Name of the vertical axis. */
  y: string;
  groups: readonly { name: string; values: readonly number[] }[];
}

export interface BoxSummary {
  /** Lowest and highest value within 1.5 interquartile ranges of the box. */
  low: number;
  high: number;
  lowerQuartile: number;
  median: number;
  upperQuartile: number;
  outliers: number[];
}

const PLOT_HEIGHT = 280;
const MAX_SLANTED = 150;

/** Quartiles with linear interpolation. Undefined without a finite value. */
export function boxSummary(values: readonly number[]): BoxSummary | undefined {
  const sorted = Float64Array.from(values.filter(Number.isFinite)).sort();
  if (sorted.length === 0) return undefined;
  const quantile = (share: number): number => {
    const at = (sorted.length - 1) * share;
    const below = sorted[Math.floor(at)] as number;
    return below + (at % 1) * ((sorted[Math.ceil(at)] as number) - below);
  };
  const [lowerQuartile, median, upperQuartile] = [quantile(0.25), quantile(0.5), quantile(0.75)];
  const reach = 1.5 * (upperQuartile - lowerQuartile);
  const within = sorted.filter((value) => value >= lowerQuartile - reach && value <= upperQuartile + reach);
  const outliers = [...sorted.filter((value) => value < lowerQuartile - reach || value > upperQuartile + reach)];
  return { low: within[0] ?? lowerQuartile, high: within.at(-1) ?? upperQuartile, lowerQuartile, median, upperQuartile, outliers };
}

/** -> SVG */
export function boxChart({ title, y, groups }: BoxChartParts): string {
  const plot: Plot = { left: 86, top: 36, right: WIDTH - 28, bottom: 36 + PLOT_HEIGHT };
  const places = scaleBand(
    groups.map((_, i) => i),
    [plot.left, plot.right],
  )
    .paddingInner(0.4)
    .paddingOuter(0.3); // by number: names may repeat
  const toY = linearScale([plot.bottom, plot.top], extent(groups.flatMap(({ values }) => values)));
  const slanted = groups.some(({ name }) => textWidth(name) > places.step() - 4);
  const labelRoom = slanted ? 24 + 0.6 * Math.min(MAX_SLANTED, Math.max(...groups.map(({ name }) => textWidth(name)))) : 28;
  const width = Math.min(places.bandwidth(), 80);

  const boxes = groups.map(({ name, values }, i) => {
    const centre = (places(i) as number) + places.bandwidth() / 2;
    const shown = fitted(name, slanted ? MAX_SLANTED : Infinity);
    const below = plot.bottom + 18;
    const under = slanted
      ? label(centre + 4, below, shown, { 'text-anchor': 'end', transform: `rotate(-35 ${tenth(centre + 4)} ${tenth(below)})` })
      : label(centre, below, shown, { 'text-anchor': 'middle' });
    const summary = boxSummary(values);
    return under + (summary === undefined ? '' : box(summary, centre, width, toY, lookOf(i).colour, `${name}, ${values.length} values`));
  });
  const empty = groups.every(({ values }) => boxSummary(values) === undefined);
  return drawing(title, plot.bottom + labelRoom, [
    ...verticalAxis(toY, plot, y),
    baseLine(plot),
    ...boxes,
    ...(empty ? [emptyNote(plot)] : []),
  ]);
}

function box(summary: BoxSummary, centre: number, width: number, toY: (value: number) => number, colour: string, name: string): string {
  const [left, right] = [centre - width / 2, centre + width / 2];
  const [low, high, lower, upper, middle] = [summary.low, summary.high, summary.lowerQuartile, summary.upperQuartile, summary.median].map(
    toY,
  ) as [number, number, number, number, number];
  const cap = width / 4;
  const outliers = thinCloud(summary.outliers.map((value) => [centre, toY(value)] as const));
  return element(
    'g',
    { stroke: colour, 'stroke-width': 1.5, fill: 'none' },
    `<title>${escapeHtml(name)}</title>`,
    element('path', {
      d: `M${tenth(centre)} ${tenth(low)}V${tenth(lower)}M${tenth(centre)} ${tenth(upper)}V${tenth(high)}M${tenth(centre - cap)} ${tenth(low)}h${tenth(2 * cap)}M${tenth(centre - cap)} ${tenth(high)}h${tenth(2 * cap)}`,
    }),
    element('rect', { x: left, y: upper, width: right - left, height: Math.max(0, lower - upper), fill: colour, 'fill-opacity': 0.18 }),
    element('line', { x1: left, x2: right, y1: middle, y2: middle, 'stroke-width': 3 }),
    ...outliers.map(([cx, cy]) => element('circle', { cx, cy, r: 2, 'stroke-opacity': 0.6 })),
  );
}
