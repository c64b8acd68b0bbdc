/** Points of two measures against each other. */
import { extent, linearScale } from './scales.ts';
import { drawing, element, emptyNote, horizontalAxis, legend, lookOf, tenth, verticalAxis, WIDTH, type Plot } from './svg.ts';
import { thinCloud, type Point } from './thin.ts';

export interface ScatterChartParts {
  title: string;
  /** Names of the axes. */
  x: string;
  y: string;
  series: readonly { name: string; points: readonly Point[] }[];
}

const PLOT_HEIGHT = 320;
/** More than this and points overlap: they become smaller and lighter. */
const MANY = 400;

/** -> SVG. Points that are not finite are left out. */
export function scatterChart({ title, x, y, series }: ScatterChartParts): string {
  const names = legend(series.length > 1 ? series.map(({ name, points }) => (points.length === 0 ? `${name} (no data)` : name)) : []);
  const plot: Plot = { left: 86, top: names.bottom + 10, right: WIDTH - 28, bottom: names.bottom + 10 + PLOT_HEIGHT };
  const finite = series.map(({ points }) => points.filter(([px, py]) => Number.isFinite(px) && Number.isFinite(py)));
  const all = finite.flat();
  const toX = linearScale([plot.left, plot.right], extent(all.map(([px]) => px)));
  const toY = linearScale([plot.bottom, plot.top], extent(all.map(([, py]) => py)));
  const look = all.length > MANY ? { size: 4, opacity: 0.45 } : { size: 7, opacity: 0.7 };
  const clouds = finite.map((points, i) => {
    // Strokes of no length with round ends: the shortest way to write many dots.
    const dots = thinCloud(points.map(([px, py]): Point => [toX(px), toY(py)])).map(([cx, cy]) => `M${tenth(cx)} ${tenth(cy)}h0`);
    const stroke = { stroke: lookOf(i).colour, 'stroke-width': look.size, 'stroke-opacity': look.opacity, 'stroke-linecap': 'round' };
    return dots.length === 0 ? '' : element('path', { d: dots.join(''), fill: 'none', ...stroke });
  });
  const axes = [...horizontalAxis(toX, plot, x), ...verticalAxis(toY, plot, y)];
  return drawing(title, plot.bottom + 46, [...names.svg, ...axes, ...clouds, ...(all.length === 0 ? [emptyNote(plot)] : [])]);
}
