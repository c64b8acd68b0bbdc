/** The documentation as a static site: `npm run docs`. Nothing is loaded from elsewhere. */
import { posix } from 'node:path';
import { defineConfig, type MarkdownRenderer } from 'vitepress';
import { slugOf } from '../../tools/markdown.ts';
import { sidebar } from './sidebar.ts';

/**
 * Links that leave docs/ (into examples/, to ARCHITECTURE.md) have no page on the site: their text stays, the link goes. Links to a
 * README.md lead to the index page it becomes.
 */
function adaptLinks(md: MarkdownRenderer): void {
  md.core.ruler.push('adapt-links', (state) => {
    const page = (state.env as { relativePath?: string }).relativePath ?? '';
    for (const { children } of state.tokens) {
      let outside = false;
      for (const token of children ?? []) {
        if (token.type === 'link_open') {
          const target = token.attrGet('href') ?? '';
          outside = !/^[a-z]+:|^[#/]/i.test(target) && posix.join(posix.dirname(page), target).startsWith('..');
          token.attrSet('href', target.replace(/(^|\/)README\.md(?=#|$)/, '$1index.md'));
        }
        if (outside && (token.type === 'link_open' || token.type === 'link_close')) {
          if (token.type === 'link_close') outside = false;
          Object.assign(token, { type: 'text', content: '', nesting: 0 });
        }
      }
    }
  });
}

export default defineConfig({
  title: 'prosam',
  description: 'Mark one object in one image; get its masks in all the others.',
  lang: 'en-US',
  rewrites: (id) => id.replace(/(^|\/)README\.md$/, '$1index.md'),
  // tools/link-check.ts checks them, those that leave docs/ included.
  ignoreDeadLinks: true,
  outDir: '../docs-site',
  // The local search index is one file.
  vite: { build: { chunkSizeWarningLimit: 5000 } },
  markdown: { anchor: { slugify: slugOf }, config: adaptLinks },
  themeConfig: {
    sidebar: sidebar(),
    search: { provider: 'local' },
    outline: [2, 3],
    docFooter: { prev: false, next: false },
  },
});
