/** SVG written by hand, and what all charts share: sizes, colours, legend, axes. */
import { escapeHtml } from './page.ts';

export interface Scale {
  (value: number): number;
  ticks(count: number): number[];
  tickFormat(count: number): (value: number) => string;
}

/** The rectangle the data is drawn in, in pixels of the drawing. */
export interface Plot {
  left: number;
  top: number;
  right: number;
  bottom: number;
}

export const WIDTH = 720;
/** Average width of a letter at the font size of 12, for layout without measuring. */
const LETTER = 6.6;
const LEGEND_ROW = 18;
const TITLE_HEIGHT = 26;

/** Colours that stay apart for colour-blind eyes (Okabe and Ito, 2008), without its yellow and black, which vanish on one ground or the other. */
const COLOURS = ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#e69f00', '#56b4e9'];
const DASHES = ['', '6 3', '2 3'];

/** After six colours they return dashed. */
export function lookOf(index: number): { colour: string; dash: string } {
  return { colour: COLOURS[index % COLOURS.length] as string, dash: DASHES[Math.floor(index / COLOURS.length) % DASHES.length] as string };
}

type Attributes = Readonly<Record<string, string | number | undefined>>;

/** An element; children are SVG. Numbers are rounded to two decimals, undefined and empty attributes left out. */
export function element(name: string, attributes: Attributes, ...children: readonly string[]): string {
  const written = Object.entries(attributes)
    .filter(([, value]) => value !== undefined && value !== '')
    .map(([key, value]) => ` ${key}="${typeof value === 'number' ? Math.round(value * 100) / 100 : escapeHtml(String(value))}"`)
    .join('');
  return children.length === 0 ? `<${name}${written}/>` : `<${name}${written}>${children.join('')}</${name}>`;
}

export function tenth(value: number): string {
  return String(Math.round(value * 10) / 10);
}

/** content: the letters to show. */
export function label(x: number, y: number, content: string, attributes: Attributes = {}): string {
  return element('text', { x, y, ...attributes }, escapeHtml(content));
}

export function textWidth(text: string): number {
  return text.length * LETTER;
}

/** text, cut where it would not fit into `width` pixels. */
export function fitted(text: string, width: number): string {
  const letters = Math.max(2, Math.floor(width / LETTER));
  return text.length <= letters ? text : `${text.slice(0, letters - 1)}…`;
}

/** The drawing as a whole; its title is read out by screen readers. */
export function drawing(title: string, height: number, parts: readonly string[]): string {
  return element(
    'svg',
    {
      xmlns: 'http://www.w3.org/2000/svg',
      viewBox: `0 0 ${WIDTH} ${tenth(height)}`,
      role: 'img',
      'font-family': 'system-ui, sans-serif',
      'font-size': 12,
      fill: 'currentColor',
    },
    `<title>${escapeHtml(title)}</title>`,
    label(8, 17, fitted(title, WIDTH - 16), { 'font-size': 14, 'font-weight': 600 }),
    ...parts,
  );
}

/** Names of series under the title, in rows. -> SVG, and the first free pixel below */
export function legend(names: readonly string[]): { svg: string[]; bottom: number } {
  const svg: string[] = [];
  let [x, y] = [8, TITLE_HEIGHT + 10];
  if (names.length === 0) return { svg, bottom: TITLE_HEIGHT };
  names.forEach((name, i) => {
    const shown = fitted(name, WIDTH - 60);
    const width = 30 + textWidth(shown) + 14;
    if (x > 8 && x + width > WIDTH) [x, y] = [8, y + LEGEND_ROW];
    const { colour, dash } = lookOf(i);
    svg.push(
      element('line', { x1: x, x2: x + 22, y1: y - 4, y2: y - 4, stroke: colour, 'stroke-width': 3, 'stroke-dasharray': dash }),
      label(x + 28, y, shown),
    );
    x += width;
  });
  return { svg, bottom: y + 6 };
}

/** Ticks and grid lines across the plot, and the axis' name. */
export function horizontalAxis(scale: Scale, plot: Plot, name: string): string[] {
  const ticks = tickLabels(scale, 8).map(([value, text]) => {
    const x = scale(value);
    return (
      element('line', { x1: x, x2: x, y1: plot.top, y2: plot.bottom, stroke: 'currentColor', 'stroke-opacity': 0.12 }) +
      label(x, plot.bottom + 16, text, { 'text-anchor': 'middle' })
    );
  });
  return [
    ...ticks,
    baseLine(plot),
    label((plot.left + plot.right) / 2, plot.bottom + 36, fitted(name, plot.right - plot.left), { 'text-anchor': 'middle' }),
  ];
}

export function verticalAxis(scale: Scale, plot: Plot, name: string): string[] {
  const ticks = tickLabels(scale, 6).map(([value, text]) => {
    const y = scale(value);
    return (
      element('line', { x1: plot.left, x2: plot.right, y1: y, y2: y, stroke: 'currentColor', 'stroke-opacity': 0.12 }) +
      label(plot.left - 6, y + 4, text, { 'text-anchor': 'end' })
    );
  });
  const middle = (plot.top + plot.bottom) / 2;
  const title = label(14, middle, fitted(name, plot.bottom - plot.top), {
    'text-anchor': 'middle',
    transform: `rotate(-90 14 ${tenth(middle)})`,
  });
  return [...ticks, title];
}

export function baseLine(plot: Plot): string {
  return element('line', {
    x1: plot.left,
    x2: plot.right,
    y1: plot.bottom,
    y2: plot.bottom,
    stroke: 'currentColor',
    'stroke-opacity': 0.5,
  });
}

/** Stands where data would. */
export function emptyNote(plot: Plot): string {
  return label((plot.left + plot.right) / 2, (plot.top + plot.bottom) / 2, 'no data', { 'text-anchor': 'middle', 'fill-opacity': 0.6 });
}

/** Value and text of every tick. Logarithmic scales leave most of theirs without text; very small and very large values are written short. */
function tickLabels(scale: Scale, count: number): [number, string][] {
  const ticks = scale.ticks(count);
  const format = scale.tickFormat(count);
  const largest = Math.max(...ticks.map(Math.abs));
  // What tickFormat gives ends in a letter where it shortens by itself: 10m for 0.01.
  const own = largest < 0.001 || largest >= 1e7 || ticks.some((value) => /[^\d]$/.test(format(value)));
  return ticks
    .map((value): [number, string] => [value, own && format(value) !== '' ? compact(value) : format(value)])
    .filter(([, text]) => text !== '');
}

/** 0.00002 -> 2e−5 */
function compact(value: number): string {
  const short = Number(value.toPrecision(6));
  const small = short !== 0 && (Math.abs(short) < 0.001 || Math.abs(short) >= 1e6);
  return (small ? short.toExponential().replace('e+', 'e') : String(short)).replaceAll('-', '−');
}
