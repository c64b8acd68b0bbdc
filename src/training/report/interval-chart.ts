/** Values with their intervals, one row each. */
import { extent, linearScale } from './scales.ts';
import { drawing, element, emptyNote, fitted, horizontalAxis, label, lookOf, tenth, textWidth, WIDTH, type Plot } from './svg.ts';

export interface IntervalChartParts {
  title: string;
  /** Name of the horizontal axis. */
  x: string;
  rows: readonly { name: string; value: number; low: number; high: number }[];
}

const ROW = 28;
const MAX_NAME = 260;

/** -> SVG. A row whose value is not finite keeps its name and a dash. */
export function intervalChart({ title, x, rows }: IntervalChartParts): string {
  const nameRoom = Math.min(MAX_NAME, Math.max(40, ...rows.map(({ name }) => textWidth(name))));
  const plot: Plot = { left: nameRoom + 20, top: 34, right: WIDTH - 24, bottom: 34 + Math.max(1, rows.length) * ROW };
  const finite = rows.filter(({ value }) => Number.isFinite(value));
  const data = extent(finite.flatMap(({ value, low, high }) => [value, low, high]));
  const toX = linearScale([plot.left, plot.right], data);
  const zero = data !== undefined && data[0] < 0 && data[1] > 0 ? zeroLine(toX(0), plot) : '';

  const marks = rows.map(({ name, value, low, high }, i) => {
    const y = plot.top + (i + 0.5) * ROW;
    const under = label(plot.left - 10, y + 4, fitted(name, MAX_NAME), { 'text-anchor': 'end' });
    if (!Number.isFinite(value)) return under + label(plot.left + 6, y + 4, '–');
    const { colour } = lookOf(i);
    const hasInterval = Number.isFinite(low) && Number.isFinite(high);
    const line = hasInterval
      ? element('path', {
          d: `M${tenth(toX(low))} ${y}H${tenth(toX(high))}`,
          stroke: colour,
          'stroke-width': 3,
          'stroke-opacity': 0.55,
          'stroke-linecap': 'round',
        })
      : '';
    return under + line + element('circle', { cx: toX(value), cy: y, r: 5, fill: colour });
  });
  return drawing(title, plot.bottom + 46, [
    ...horizontalAxis(toX, plot, x),
    zero,
    ...marks,
    ...(rows.length === 0 ? [emptyNote(plot)] : []),
  ]);
}

/** Line of equality. */
function zeroLine(x: number, plot: Plot): string {
  return element('line', {
    x1: x,
    x2: x,
    y1: plot.top,
    y2: plot.bottom,
    stroke: 'currentColor',
    'stroke-opacity': 0.7,
    'stroke-dasharray': '4 3',
  });
}
