/** Markdown of the repository as data: files, fenced blocks, headings and links, for the link check and the tests of the docs; and tables for documents. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';

/** Folders whose Markdown belongs to the project, relative to its root. */
const FOLDERS = ['docs', 'examples'];
/** Generated pages and build output. */
const LEFT_OUT = /(^|\/)(node_modules|dist|\.vitepress)\/|^docs\/reference\/api\//;

/** Markdown files at the root and in `docs` and `examples`, relative to `root`, in order. `llms.txt` counts as one. */
export function markdownFiles(root = '.'): string[] {
  const top = readdirSync(root).filter((name) => name.endsWith('.md') || name === 'llms.txt');
  const below = FOLDERS.flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
      .map((name) => `${folder}/${name.replaceAll('\\', '/')}`)
      .filter((path) => path.endsWith('.md') && !LEFT_OUT.test(path)),
  );
  return [...top, ...below].sort();
}

/** A table, one line a row. */
export function markdownTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [line(head), `|${'---|'.repeat(head.length)}`, ...rows.map(line)].join('\n');
}

/** A fenced block of code. */
export interface FencedBlock {
  /** First word after the fence, such as `ts`; empty without one. */
  language: string;
  code: string;
  /** Line of the opening fence, from 1. */
  line: number;
  /** Text of the HTML comment that stands directly above the block, if any: invisible to readers. */
  comment?: string;
}

const BLOCK = /(?:^ *<!--((?:(?!-->)[^])*)-->\n)?^( *)```([^\n]*)\n([^]*?)^\2```$/gm;

/** Fenced blocks in order. An indented block (in a list) comes without its indentation. */
export function fencedBlocks(markdown: string): FencedBlock[] {
  return [...markdown.matchAll(BLOCK)].map((match) => {
    const [whole, comment, indent = '', info = '', code = ''] = match;
    const fence = match.index + whole.indexOf(`${indent}\`\`\`${info}`);
    return {
      language: info.trim().split(/\s/)[0] ?? '',
      code: code.replaceAll(new RegExp(`^${indent}`, 'gm'), ''),
      line: markdown.slice(0, fence).split('\n').length,
      ...(comment !== undefined && { comment: comment.trim() }),
    };
  });
}

/** Text without fenced blocks, comments and inline code: nothing in those is a link or a heading. Line numbers stay. */
export function prose(markdown: string): string {
  const blank = (text: string): string => text.replaceAll(/[^\n]/g, ' ');
  return markdown
    .replaceAll(BLOCK, blank)
    .replaceAll(/<!--[^]*?-->/g, blank)
    .replaceAll(/`[^`\n]+`/g, blank);
}

/** Anchor of a heading as GitHub makes it; the site uses the same function. */
export function slugOf(heading: string): string {
  return heading
    .replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1')
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
    .trim()
    .replaceAll(/\s/g, '-');
}

/** Anchors of a file: of its headings (a repeated one ends in -1, -2, ...) and of `id` attributes. */
export function anchorsOf(markdown: string): Set<string> {
  const anchors = new Set<string>();
  const withoutBlocks = markdown.replaceAll(BLOCK, '');
  for (const [, heading = ''] of withoutBlocks.matchAll(/^#{1,6} +(.+?) *#*$/gm)) {
    const slug = slugOf(heading);
    let unique = slug;
    for (let n = 1; anchors.has(unique); n++) unique = `${slug}-${n}`;
    anchors.add(unique);
  }
  for (const [, id = ''] of withoutBlocks.matchAll(/\bid="([^"]+)"/g)) anchors.add(id);
  return anchors;
}

/** A link or image: its target as written, and its line from 1. */
export interface Link {
  target: string;
  line: number;
}

/** Links and images in the text, `[text](target)` and `<a href>` or `<img src>`. */
export function linksOf(markdown: string): Link[] {
  const text = prose(markdown);
  const lineAt = (index: number): number => text.slice(0, index).split('\n').length;
  const inline = [...text.matchAll(/\]\(<?([^)\s>]+)>?(?:\s+"[^"]*")?\)/g)];
  const html = [...text.matchAll(/\b(?:href|src)="([^"]+)"/g)];
  return [...inline, ...html].map((match) => ({ target: match[1] ?? '', line: lineAt(match.index) }));
}

/** Paths of the repository in code spans, such as `src/index.ts`, with their lines. */
export function pathsOf(markdown: string): Link[] {
  const text = markdown.replaceAll(BLOCK, (block) => block.replaceAll(/[^\n]/g, ' '));
  return [...text.matchAll(/`((?:src|test|tools|bench|models|docs|examples)\/[\w./-]+\.\w+)`/g)].map((match) => ({
    target: match[1] ?? '',
    line: text.slice(0, match.index).split('\n').length,
  }));
}
