/** Pages of results in one file: no script, no font, no image from elsewhere. */

export interface TableParts {
  head: readonly string[];
  /** Numbers are aligned to the right and shortened to four digits; text stays as it is. */
  rows: readonly (readonly (string | number)[])[];
  caption?: string;
}

const STYLE = `
  :root { color-scheme: light dark; --quiet: #5b5b66; --line: #d8d8de; --ground: #fff; --ink: #1b1b1f; }
  @media (prefers-color-scheme: dark) { :root { --quiet: #a3a3ad; --line: #3a3a42; --ground: #17171a; --ink: #e8e8ec; } }
  * { box-sizing: border-box; }
  body { font: 16px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 70rem; padding: 0 1rem; color: var(--ink); background: var(--ground); overflow-wrap: break-word; }
  h1 { font-size: 1.6rem; line-height: 1.25; } h2 { font-size: 1.2rem; margin: 2.5rem 0 .5rem; }
  .intro, figcaption, caption { color: var(--quiet); }
  figure { margin: 1.5rem 0; } figure > .wide, .table { overflow-x: auto; }
  img { max-width: 100%; height: auto; border-radius: 4px; }
  svg { display: block; width: 100%; min-width: 30rem; max-width: 48rem; height: auto; }
  table { border-collapse: collapse; margin: 1rem 0; font-variant-numeric: tabular-nums; }
  caption { text-align: left; padding-bottom: .3rem; }
  th, td { text-align: left; padding: .25rem .8rem .25rem 0; border-bottom: 1px solid var(--line); vertical-align: top; }
  th.number, td.number { text-align: right; white-space: nowrap; }
  .row { display: flex; flex-wrap: wrap; gap: 0 1rem; } .row > figure { flex: 1 1 14rem; max-width: 30rem; }
`;

/** For text and for the values of attributes. */
export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (char) => `&#${char.charCodeAt(0)};`);
}

/** A whole page. title and intro are text; sections are HTML. */
export function page({ title, intro, sections }: { title: string; intro?: string; sections: readonly string[] }): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(title)}</title>
<style>${STYLE}</style>
</head>
<body>
<h1>${escapeHtml(title)}</h1>
${intro === undefined ? '' : `<p class="intro">${escapeHtml(intro)}</p>\n`}${sections.join('\n')}
</body>
</html>
`;
}

/** heading is text, the rest HTML. */
export function section(heading: string, ...html: readonly string[]): string {
  return `<section>\n<h2>${escapeHtml(heading)}</h2>\n${html.join('\n')}\n</section>`;
}

/** A column is one of numbers, heading included, where every cell of it that is filled holds a number. */
export function table({ head, rows, caption }: TableParts): string {
  const numeric = head.map((_, column) => {
    const cells = rows.map((row) => row[column] ?? '').filter((cell) => cell !== '');
    return cells.length > 0 && cells.every((cell) => typeof cell === 'number');
  });
  const heading = head.map((text, column) => `<th${numeric[column] === true ? ' class="number"' : ''}>${escapeHtml(text)}</th>`).join('');
  const body = rows.map((row) => `<tr>${row.map(tableCell).join('')}</tr>`).join('\n');
  const title = caption === undefined ? '' : `<caption>${escapeHtml(caption)}</caption>\n`;
  return `<div class="table"><table>\n${title}<thead><tr>${heading}</tr></thead>\n<tbody>\n${body}\n</tbody>\n</table></div>`;
}

function tableCell(cell: string | number): string {
  return typeof cell === 'number' ? `<td class="number">${shortNumber(cell)}</td>` : `<td>${escapeHtml(cell)}</td>`;
}

/** Whole numbers as they are, others to four digits, a dash for what is no number. */
export function shortNumber(value: number): string {
  if (Number.isNaN(value)) return '–';
  if (!Number.isFinite(value)) return value > 0 ? '∞' : '−∞';
  return String(Number.isInteger(value) ? value : Number(value.toPrecision(4))).replace('-', '−');
}

/** html: a chart or an image; caption is text. */
export function figure(html: string, caption: string): string {
  return `<figure><div class="wide">${html}</div><figcaption>${escapeHtml(caption)}</figcaption></figure>`;
}

/** Figures beside one another where there is room. */
export function figureRow(figures: readonly string[]): string {
  return `<div class="row">\n${figures.join('\n')}\n</div>`;
}

/** An image inside the page. png: the bytes of a PNG file. */
export function imageTag(png: Uint8Array, alt: string): string {
  return `<img src="data:image/png;base64,${Buffer.from(png).toString('base64')}" alt="${escapeHtml(alt)}">`;
}
