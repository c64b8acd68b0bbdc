/** The page with the demo's pictures and figures; the pictures lie beside it. */
import { escapeHtml, figure, page, section } from '../../training/report/page.ts';

export interface DemoRow {
  title: string;
  /** File name beside the page. */
  picture: string;
  caption: string;
}

export function demoPage(rows: readonly DemoRow[], legend: string, summary: string): string {
  const sections = rows.map(({ title, picture, caption }) => {
    const image = `<img src="${encodeURIComponent(picture)}" alt="${escapeHtml(`${title}: ${caption}`)}">`;
    return section(title, figure(image, caption));
  });
  return page({ title: 'prosam demo', intro: legend, sections: [...sections, `<p>${escapeHtml(summary)}</p>`] });
}
