/** Lines over a common axis. */
import { extent, linearScale, logScale, SMALLEST } from './scales.ts';
import { drawing, element, emptyNote, horizontalAxis, legend, lookOf, tenth, verticalAxis, WIDTH, type Plot } from './svg.ts';
import { thinLine, type Point } from './thin.ts';

export interface LineSeries {
  name: string;
  points: readonly Point[];
  /** Thin and pale, in the colour of the series before it and without a place in the legend: what a smoothed line was made of. */
  faint?: boolean;
}

export interface LineChartParts {
  title: string;
  /** Names of the axes. */
  x: string;
  y: string;
  /** Points in drawing order; where x or y is not finite (or y not above zero on a logarithmic axis) the line has a gap. */
  series: readonly LineSeries[];
  /** A logarithmic vertical axis. */
  logY?: boolean;
}

const PLOT_HEIGHT = 240;

/** -> SVG */
export function lineChart({ title, x, y, series, logY = false }: LineChartParts): string {
  const clear = series.filter(({ faint }) => faint !== true);
  const names = legend(clear.map(({ name, points }) => (points.length === 0 ? `${name} (no data)` : name)));
  const plot: Plot = { left: 86, top: names.bottom + 10, right: WIDTH - 28, bottom: names.bottom + 10 + PLOT_HEIGHT };
  const drawn = ([px, py]: Point): boolean => Number.isFinite(px) && Number.isFinite(py) && (!logY || py > SMALLEST);
  const all = series.flatMap(({ points }) => points.filter(drawn));
  const toX = linearScale([plot.left, plot.right], extent(all.map(([px]) => px)), false);
  const yData = extent(all.map(([, py]) => py));
  const toY = logY ? logScale([plot.bottom, plot.top], yData) : linearScale([plot.bottom, plot.top], yData);

  let place = -1;
  const lines = series.map(({ points, faint = false }) => {
    if (!faint) place++;
    const { colour, dash } = lookOf(Math.max(0, place));
    const runs = runsOf(points, drawn).map((run) => thinLine(run.map(([px, py]): Point => [toX(px), toY(py)])));
    const look = faint ? { 'stroke-width': 1, 'stroke-opacity': 0.3 } : { 'stroke-width': 2, 'stroke-dasharray': dash };
    const path = runs
      .filter((run) => run.length > 1)
      .map((run) => run.map(([px, py], k) => `${k === 0 ? 'M' : 'L'}${tenth(px)} ${tenth(py)}`).join(''));
    const alone = runs.filter((run) => run.length === 1).flat();
    const svg = [
      ...(path.length > 0
        ? [element('path', { d: path.join(''), fill: 'none', 'stroke-linejoin': 'round', stroke: colour, ...look })]
        : []),
      ...alone.map(([cx, cy]) => element('circle', { cx, cy, r: 3, fill: colour })),
    ].join('');
    return { faint, svg };
  });
  // What is pale lies below.
  const sorted = [...lines.filter((line) => line.faint), ...lines.filter((line) => !line.faint)].map(({ svg }) => svg);
  const axes = [...horizontalAxis(toX, plot, x), ...verticalAxis(toY, plot, y)];
  return drawing(title, plot.bottom + 46, [...names.svg, ...axes, ...sorted, ...(all.length === 0 ? [emptyNote(plot)] : [])]);
}

/** Stretches without a gap. */
function runsOf(points: readonly Point[], drawn: (point: Point) => boolean): Point[][] {
  const runs: Point[][] = [];
  let open = false;
  for (const point of points) {
    const here = drawn(point);
    if (here && open) (runs.at(-1) as Point[]).push(point);
    else if (here) runs.push([point]);
    open = here;
  }
  return runs;
}
