/** Curves and comparisons as SVG, each with its content in words. */
import { svg, type Child } from '../../../client/page/elements.ts';
import type { VersionView } from '../responses.ts';
import { decimal } from './format.ts';

const WIDTH = 560;
const HEIGHT = 170;
const LEFT = 44;
const RIGHT = 12;
const TOP = 24;
const BOTTOM = 24;

function line(x1: number, y1: number, x2: number, y2: number, kind: string): SVGLineElement {
  return svg('line', { x1, y1, x2, y2, class: kind });
}

function words(x: number, y: number, text: string, anchor: 'start' | 'middle' | 'end', kind = ''): SVGTextElement {
  return svg('text', { x, y, 'text-anchor': anchor, class: kind }, text);
}

function chart(height: number, text: string, ...children: Child[]): SVGSVGElement {
  return svg('svg', { class: 'chart', viewBox: `0 0 ${WIDTH} ${height}`, role: 'img', 'aria-label': text }, ...children);
}

export interface LossPoint {
  step: number;
  loss: number;
}

/** points: by step. Nothing where there are fewer than two. */
export function lossCurve(points: readonly LossPoint[], title: string): SVGSVGElement | undefined {
  const known = points.filter(({ step, loss }) => Number.isFinite(step) && Number.isFinite(loss));
  const [first, last] = [known[0], known.at(-1)];
  if (first === undefined || last === undefined || known.length < 2) return undefined;
  const highest = Math.max(...known.map(({ loss }) => loss));
  const lowest = Math.min(...known.map(({ loss }) => loss));
  const range = highest - lowest || 1;
  const x = (step: number): number => LEFT + ((WIDTH - LEFT - RIGHT) * (step - first.step)) / (last.step - first.step || 1);
  const y = (loss: number): number => TOP + ((HEIGHT - TOP - BOTTOM) * (highest - loss)) / range;
  const grid = [highest, (highest + lowest) / 2, lowest].flatMap((loss) => [
    line(LEFT, y(loss), WIDTH - RIGHT, y(loss), 'axis'),
    words(LEFT - 6, y(loss) + 4, decimal(loss, 2), 'end'),
  ]);
  const path = known.map(({ step, loss }, i) => `${i === 0 ? 'M' : 'L'}${x(step).toFixed(1)} ${y(loss).toFixed(1)}`).join('');
  return chart(
    HEIGHT,
    `${title}: from ${decimal(first.loss)} at step ${first.step} to ${decimal(last.loss)} at step ${last.step}`,
    words(LEFT, 13, title, 'start', 'title'),
    ...grid,
    svg('path', { d: path, class: 'line' }),
    words(LEFT, HEIGHT - 6, `step ${first.step}`, 'start'),
    words(WIDTH - RIGHT, HEIGHT - 6, String(last.step), 'end'),
  );
}

const ROW = 22;
const NAMES = 130;
const MAX_ROWS = 20;
const MAX_NAME = 18;

function short(text: string): string {
  const letters = Array.from(text);
  return letters.length > MAX_NAME ? `${letters.slice(0, MAX_NAME - 1).join('')}\u2026` : text;
}

/** Each label's IoU under the version before (grey) and this one (blue). */
export function gateChart({ current, candidate, labels }: NonNullable<VersionView['metrics']['gate']>): SVGSVGElement {
  const all = [{ label: 'all labels', current, candidate }, ...labels.slice(0, MAX_ROWS)];
  const x = (iou: number): number => NAMES + (WIDTH - NAMES - 60) * Math.min(1, Math.max(0, iou));
  const bottom = TOP + ROW * all.length;
  const grid = [0, 0.25, 0.5, 0.75, 1].flatMap((iou) => [
    line(x(iou), TOP, x(iou), bottom, 'axis'),
    words(x(iou), bottom + 14, String(iou), 'middle'),
  ]);
  const rows = all.flatMap((row, i) => {
    const y = TOP + ROW * (i + 0.5);
    const change = row.candidate - row.current;
    return [
      words(NAMES - 10, y + 4, short(row.label), 'end', i === 0 ? 'title' : ''),
      line(x(row.current), y, x(row.candidate), y, 'span'),
      svg('circle', { cx: x(row.current), cy: y, r: 4, class: 'from' }),
      svg('circle', { cx: x(row.candidate), cy: y, r: 5, class: 'to' }),
      words(WIDTH, y + 4, `${change < 0 ? '\u2212' : '+'}${decimal(Math.abs(change))}`, 'end'),
    ];
  });
  const inWords = all.map((row) => `${row.label} ${decimal(row.current)} to ${decimal(row.candidate)}`).join(', ');
  const title = words(NAMES, 13, 'IoU on held-out pairs: before (grey), after (blue)', 'start', 'title');
  return chart(bottom + 20, `IoU on held-out pairs, before and after: ${inWords}`, title, ...grid, ...rows);
}
