/** One self-contained page with the demo's pictures and figures. */

export interface DemoRow {
  title: string;
  /** File name beside the page. */
  picture: string;
  caption: string;
}

function escaped(text: string): string {
  return text.replace(/[&<>"]/g, (char) => `&#${char.charCodeAt(0)};`);
}

export function demoPage(rows: readonly DemoRow[], legend: string, summary: string): string {
  const figures = rows.map(
    ({ title, picture, caption }) =>
      `<figure><h2>${escaped(title)}</h2><img src="${encodeURIComponent(picture)}" alt="${escaped(`${title}: ${caption}`)}"><figcaption>${escaped(caption)}</figcaption></figure>`,
  );
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>prosam demo</title>
<style>
  body { font: 16px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 70rem; padding: 0 1rem; color: #1b1b1f; background: #fff; }
  figure { margin: 2rem 0; } h2 { font-size: 1rem; margin: 0 0 .4rem; } img { max-width: 100%; border-radius: 4px; }
  figcaption, .legend { color: #55555f; }
</style>
<h1>prosam demo</h1>
<p class="legend">${escaped(legend)}</p>
${figures.join('\n')}
<p>${escaped(summary)}</p>
</html>
`;
}
