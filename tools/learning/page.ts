/** Page with the curves of learning: one chart for a group of labels, one for each label. */
import type { Measured } from './rows.ts';
import { ABOUT, type Way } from './ways.ts';

const COLOURS: Readonly<Record<Way, string>> = {
  nothing: '#d0d0d0',
  'one reference': '#9a9a9a',
  'version 0.1.0': '#495057',
  'five latest': '#4c6ef5',
  'persam-f': '#c9a227',
  'at once': '#2b8a3e',
  fitted: '#e8590c',
  trained: '#862e9c',
  'trained and fitted': '#0b7285',
  learned: '#d6336c',
};
const [WIDTH, HEIGHT, LEFT, BOTTOM, TOP] = [420, 250, 40, 28, 12];

interface Curve {
  way: Way;
  points: { x: number; y: number }[];
}

export function page({ ways, steps, groups, cells }: Measured): string {
  const projects = [...new Set(cells.map(({ project }) => project))];
  const charts = [
    ...groups.map(({ name, projects: own, points }) =>
      chart(
        `${name} (${own.length} labels)`,
        steps,
        ways.map((way) => ({
          way,
          points: points.filter((point) => point.way === way).map(({ accepted, iou }) => ({ x: accepted, y: iou })),
        })),
      ),
    ),
    ...projects.map((project) =>
      chart(
        project,
        steps,
        ways.map((way) => ({
          way,
          points: cells
            .filter((cell) => cell.project === project && cell.way === way)
            .map(({ accepted, iou }) => ({ x: accepted, y: iou })),
        })),
      ),
    ),
  ];
  const legend = ways.map((way) => `<li><span style="background:${COLOURS[way]}"></span><b>${way}</b> ${ABOUT[way]}</li>`).join('');
  return `<!doctype html><html lang="en"><meta charset="utf-8"><title>Learning</title><style>
body{font:15px/1.5 system-ui,sans-serif;margin:24px auto;max-width:1340px;padding:0 16px;color:#222}
ul{list-style:none;padding:0}li span{display:inline-block;width:22px;height:4px;margin-right:8px;vertical-align:middle}
.charts{display:flex;flex-wrap:wrap;gap:16px}figure{margin:0}figcaption{font-weight:600}text{font:11px system-ui,sans-serif;fill:#555}
</style><h1>IoU on images that nobody labeled, by accepted masks</h1><ul>${legend}</ul><div class="charts">${charts.join('')}</div></html>`;
}

/** Steps stand evenly apart: the first masks matter most. */
function chart(title: string, steps: readonly number[], curves: readonly Curve[]): string {
  const all = curves.flatMap(({ points }) => points.map(({ y }) => y));
  const low = Math.max(0, Math.floor(10 * Math.min(...all)) / 10);
  const high = Math.min(1, Math.ceil(10 * Math.max(...all) + 1e-9) / 10);
  const x = (step: number): number => LEFT + ((WIDTH - LEFT - 14) * steps.indexOf(step)) / Math.max(1, steps.length - 1);
  const y = (value: number): number => TOP + ((HEIGHT - TOP - BOTTOM) * (high - value)) / Math.max(0.1, high - low);
  const grid = Array.from({ length: Math.round(10 * (high - low)) + 1 }, (_, i) => low + i / 10);
  const lines = grid.map(
    (value) =>
      `<line x1="${LEFT}" x2="${WIDTH - 10}" y1="${y(value)}" y2="${y(value)}" stroke="#ddd"/><text x="${LEFT - 6}" y="${y(value) + 4}" text-anchor="end">${value.toFixed(1)}</text>`,
  );
  const ticks = steps.map((step) => `<text x="${x(step)}" y="${HEIGHT - 8}" text-anchor="middle">${step}</text>`);
  const drawn = curves.map(({ way, points }) => {
    const places = points.map((point) => `${x(point.x).toFixed(1)},${y(point.y).toFixed(1)}`);
    const dots = points.map(
      (point) =>
        `<circle cx="${x(point.x).toFixed(1)}" cy="${y(point.y).toFixed(1)}" r="3" fill="${COLOURS[way]}"><title>${way}, ${point.x}: ${point.y.toFixed(3)}</title></circle>`,
    );
    return `<polyline points="${places.join(' ')}" fill="none" stroke="${COLOURS[way]}" stroke-width="2"/>${dots.join('')}`;
  });
  return `<figure><figcaption>${title}</figcaption><svg viewBox="0 0 ${WIDTH} ${HEIGHT}" width="${WIDTH}" height="${HEIGHT}">${[...lines, ...ticks, ...drawn].join('')}</svg></figure>`;
}
