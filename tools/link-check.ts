/**
 * Link check (part of `npm run lint`): relative links, images and anchors in the Markdown files lead somewhere, paths in code spans exist,
 * and both indexes of docs/ list every page.
 */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { pathToFileURL } from 'node:url';
import { anchorsOf, linksOf, markdownFiles, pathsOf } from './markdown.ts';

/** Pages that an index must list, by the path of the index. */
const INDEXES: Record<string, RegExp> = {
  'docs/README.md': /^docs\/(?!decisions\/\d)/,
  'llms.txt': /^docs\/(?!decisions\/\d)/,
  'docs/decisions/README.md': /^docs\/decisions\/\d/,
};

const isAddress = (target: string): boolean => /^[a-z][a-z0-9+.-]*:/i.test(target);

/** File a relative link leads to, from the root. */
function fileOf(from: string, target: string): string {
  const path = decodeURI(target.split(/[#?]/)[0] ?? '');
  return path === '' ? from : normalize(join(dirname(from), path));
}

/** Files that the Markdown file `from` links to, from the root, without their anchors. markdown: what it holds. */
export function linkedFiles(from: string, markdown: string): string[] {
  const targets = linksOf(markdown).map(({ target }) => target);
  return [...new Set(targets.filter((target) => !isAddress(target)).map((target) => fileOf(from, target)))];
}

/** Problems as `file:line: ...`, none where all is well. Addresses (https, mailto) are not asked for: the check needs no network. */
export function checkLinks(root = '.'): string[] {
  const read = (file: string): string => readFileSync(join(root, file), 'utf8');
  const files = markdownFiles(root);
  const problems: string[] = [];
  for (const from of files) {
    for (const { target, line } of linksOf(read(from))) {
      if (isAddress(target)) continue;
      const file = fileOf(from, target);
      const anchor = /#(.+)$/.exec(target)?.[1];
      const report = (problem: string): void => void problems.push(`${from}:${line}: ${problem}`);
      if (target.startsWith('/') || file.startsWith('..')) report(`${target} leads out of the repository`);
      else if (!existsSync(join(root, file))) report(`${target} leads to ${file}, which does not exist`);
      else if (anchor !== undefined && file.endsWith('.md') && !anchorsOf(read(file)).has(anchor))
        report(`${target}: ${file} has no heading with the anchor #${anchor}`);
    }
  }
  for (const from of files) {
    for (const { target, line } of pathsOf(read(from)))
      if (!existsSync(join(root, target))) problems.push(`${from}:${line}: ${target} does not exist`);
  }
  return [...problems, ...missingPages(files, read)];
}

function missingPages(files: readonly string[], read: (file: string) => string): string[] {
  return Object.entries(INDEXES).flatMap(([index, pages]) => {
    const listed = new Set(files.includes(index) ? linkedFiles(index, read(index)) : []);
    const missing = files.filter((file) => pages.test(file) && file !== index && !listed.has(file));
    return missing.map((page) => `${index}: ${page} is not listed`);
  });
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const problems = checkLinks();
  for (const problem of problems) process.stderr.write(`${problem}\n`);
  process.stdout.write(problems.length === 0 ? 'links: all of them lead somewhere\n' : `links: ${problems.length} problems\n`);
  process.exitCode = problems.length === 0 ? 0 : 1;
}
