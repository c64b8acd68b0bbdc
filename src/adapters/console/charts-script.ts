/** In the browser: curves and comparisons as SVG, each with its content in words. */

export const CHARTS_SCRIPT = String.raw`
import { figure, svg } from './dom.js';

const WIDTH = 560;
const HEIGHT = 170;
const LEFT = 44;
const RIGHT = 12;
const TOP = 24;
const BOTTOM = 24;

function line(x1, y1, x2, y2, kind) {
  return svg('line', { x1, y1, x2, y2, class: kind });
}

function words(x, y, text, anchor, kind = '') {
  return svg('text', { x, y, 'text-anchor': anchor, class: kind }, text);
}

function chart(height, text, ...children) {
  return svg('svg', { class: 'chart', viewBox: '0 0 ' + WIDTH + ' ' + height, role: 'img', 'aria-label': text }, ...children);
}

/** points: [{ step, loss }], by step. */
export function lossCurve(points, title) {
  const known = points.filter(({ step, loss }) => Number.isFinite(step) && Number.isFinite(loss));
  if (known.length < 2) return undefined;
  const first = known[0];
  const last = known[known.length - 1];
  const highest = Math.max(...known.map(({ loss }) => loss));
  const lowest = Math.min(...known.map(({ loss }) => loss));
  const room = highest - lowest || 1;
  const x = (step) => LEFT + ((WIDTH - LEFT - RIGHT) * (step - first.step)) / (last.step - first.step || 1);
  const y = (loss) => TOP + ((HEIGHT - TOP - BOTTOM) * (highest - loss)) / room;
  const marks = [highest, (highest + lowest) / 2, lowest].flatMap((loss) => [
    line(LEFT, y(loss), WIDTH - RIGHT, y(loss), 'axis'),
    words(LEFT - 6, y(loss) + 4, figure(loss, 2), 'end'),
  ]);
  const path = known.map(({ step, loss }, i) => (i === 0 ? 'M' : 'L') + x(step).toFixed(1) + ' ' + y(loss).toFixed(1)).join('');
  const text = title + ': from ' + figure(first.loss) + ' at step ' + first.step + ' to ' + figure(last.loss) + ' at step ' + last.step;
  return chart(
    HEIGHT,
    text,
    words(LEFT, 13, title, 'start', 'title'),
    ...marks,
    svg('path', { d: path, class: 'line' }),
    words(LEFT, HEIGHT - 6, 'step ' + first.step, 'start'),
    words(WIDTH - RIGHT, HEIGHT - 6, String(last.step), 'end'),
  );
}

const ROW = 22;
const NAMES = 130;
const MOST_ROWS = 20;

function short(text) {
  return [...text].length > 18 ? [...text].slice(0, 17).join('') + '\u2026' : text;
}

/** Each label's IoU under the version before (grey) and this one (blue). */
export function gateChart({ current, candidate, labels }) {
  const all = [{ label: 'all labels', current, candidate }, ...labels.slice(0, MOST_ROWS)];
  const x = (iou) => NAMES + (WIDTH - NAMES - 60) * Math.min(1, Math.max(0, iou));
  const bottom = TOP + ROW * all.length;
  const grid = [0, 0.25, 0.5, 0.75, 1].flatMap((iou) => [line(x(iou), TOP, x(iou), bottom, 'axis'), words(x(iou), bottom + 14, String(iou), 'middle')]);
  const rows = all.flatMap((row, i) => {
    const y = TOP + ROW * (i + 0.5);
    const change = row.candidate - row.current;
    return [
      words(NAMES - 10, y + 4, short(row.label), 'end', i === 0 ? 'title' : ''),
      line(x(row.current), y, x(row.candidate), y, 'span'),
      svg('circle', { cx: x(row.current), cy: y, r: 4, class: 'from' }),
      svg('circle', { cx: x(row.candidate), cy: y, r: 5, class: 'to' }),
      words(WIDTH, y + 4, (change < 0 ? '\u2212' : '+') + figure(Math.abs(change)), 'end'),
    ];
  });
  const said = all.map((row) => row.label + ' ' + figure(row.current) + ' to ' + figure(row.candidate)).join(', ');
  return chart(bottom + 20, 'IoU on held-out pairs, before and after: ' + said, words(NAMES, 13, 'IoU on held-out pairs: before (grey), after (blue)', 'start', 'title'), ...grid, ...rows);
}
`;
