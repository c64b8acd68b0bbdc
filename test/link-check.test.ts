/** The link check finds what is wrong, and nothing where nothing is. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { checkLinks, linkedFiles } from '../tools/link-check.ts';
import { anchorsOf, fencedBlocks, linksOf } from '../tools/markdown.ts';

const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

/** A repository of Markdown files with both indexes. */
function repository(files: Record<string, string>): string {
  const root = mkdtempSync(join(tmpdir(), 'prosam-links-'));
  folders.push(root);
  const all = {
    'docs/README.md': '[a](a.md)',
    'docs/a.md': '# A b\n',
    'llms.txt': '[i](docs/README.md) [a](docs/a.md)',
    'examples/x.md': '',
    ...files,
  };
  for (const [path, text] of Object.entries(all)) {
    mkdirSync(join(root, dirname(path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  return root;
}

it('is content with links, anchors, images and addresses that lead somewhere', () => {
  const text = '[a](docs/a.md#a-b) ![i](docs/i.png) [self](#top) <a href="docs/a.md">a</a> [far](https://www.w3.org/)\n# Top\n';
  expect(checkLinks(repository({ 'README.md': text, 'docs/i.png': '' }))).toEqual([]);
});

it.each([
  ['[a](docs/none.md)', 'README.md:1: docs/none.md leads to docs/none.md, which does not exist'],
  ['\n![a](none.png)', 'README.md:2: none.png leads to none.png, which does not exist'],
  ['[a](docs/a.md#c)', 'README.md:1: docs/a.md#c: docs/a.md has no heading with the anchor #c'],
  ['[a](#c)', 'README.md:1: #c: README.md has no heading with the anchor #c'],
  ['[a](../elsewhere.md)', 'README.md:1: ../elsewhere.md leads out of the repository'],
  ['`src/none.ts`', 'README.md:1: src/none.ts does not exist'],
])('reports %s', (text, problem) => {
  expect(checkLinks(repository({ 'README.md': text }))).toEqual([problem]);
});

it('reports a page that an index does not list', () => {
  expect(checkLinks(repository({ 'docs/b.md': '' }))).toEqual([
    'docs/README.md: docs/b.md is not listed',
    'llms.txt: docs/b.md is not listed',
  ]);
});

it('takes nothing in code for a link or a heading', () => {
  const text = '`[a](b)`\n\n```sh\n# no heading\n[a](b)\n```\n# One\n# One\n## `two` (2), or [three](#one)\n';
  expect(linksOf(text).map(({ target }) => target)).toEqual(['#one']);
  expect([...anchorsOf(text)]).toEqual(['one', 'one-1', 'two-2-or-three']);
});

it('gives a block its language, line and hidden comment', () => {
  const text = 'a\n\n<!-- not run: why -->\n```sh run\nls\n```\n\n- b\n\n  <!-- prelude:\n  x\n  -->\n  ```ts\n  y\n  ```\n';
  expect(fencedBlocks(text)).toEqual([
    { language: 'sh', code: 'ls\n', line: 4, comment: 'not run: why' },
    { language: 'ts', code: 'y\n', line: 13, comment: 'prelude:\n  x' },
  ]);
});

it('names each file of this repository that a page links to once, without anchors, and no addresses', () => {
  const text = '[a](../a.md) [again](../a.md#b) ![i](i.png) [self](#top) [far](https://www.w3.org/#c)';
  expect(linkedFiles('docs/page.md', text)).toEqual(['a.md', 'docs/i.png', 'docs/page.md']);
});
