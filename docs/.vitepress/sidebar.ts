/** Sidebar of the site, read from the index of the documentation, so that there is one list of pages. */
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { DefaultTheme } from 'vitepress';

const docs = fileURLToPath(new URL('..', import.meta.url));

/** Sections and pages of `docs/README.md`, then the generated API pages if they have been written. */
export function sidebar(): DefaultTheme.SidebarItem[] {
  const sections: DefaultTheme.SidebarItem[] = [];
  for (const line of readFileSync(`${docs}README.md`, 'utf8').split('\n')) {
    const [, heading] = /^## (.+)$/.exec(line) ?? [];
    if (heading !== undefined) sections.push({ text: heading, items: [] });
    const [, text, target] = /^- \[([^\]]+)\]\(([^)]+)\.md\)/.exec(line) ?? [];
    if (text !== undefined && target !== undefined) sections.at(-1)?.items?.push({ text, link: `/${target.replace(/README$/, '')}` });
  }
  if (existsSync(`${docs}reference/api/README.md`)) sections.push({ text: 'API', link: '/reference/api/' });
  return sections;
}
