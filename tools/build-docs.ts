/** `npm run docs`: API pages from the sources (typedoc), then docs/ as a static site (VitePress) in `docs-site/`. Needs no network. */
import { rmSync } from 'node:fs';
import { Application, type TypeDocOptions } from 'typedoc';
import type { PluginOptions } from 'typedoc-plugin-markdown';
import { build } from 'vitepress';
import { packageEntries } from './package-entries.ts';

/** Folder of the generated pages, ignored by git. */
const API = 'docs/reference/api';

/** API pages of every entry of the package. @throws Error if a source does not compile */
async function writeApiPages(): Promise<void> {
  const entries = packageEntries();
  const options: TypeDocOptions & PluginOptions & Record<string, unknown> = {
    name: 'API',
    entryPoints: Object.values(entries),
    plugin: ['typedoc-plugin-markdown'],
    tsconfig: 'tsconfig.json',
    readme: 'none',
    out: API,
    // A page per entry: a page per name would be a thousand files.
    router: 'module',
    disableSources: true,
    excludeExternals: true,
    excludeInternal: true,
    // For VitePress, which reads Markdown as a Vue template.
    useHTMLEncodedBrackets: true,
    sanitizeComments: true,
    logLevel: 'Error',
  };
  const app = await Application.bootstrapWithPlugins(options);
  const project = await app.convert();
  if (project === undefined) throw new Error('typedoc: expected sources that compile. Run npm run typecheck.');
  const names = new Map(Object.entries(entries).map(([name, source]) => [source.replace(/^src\/|(\/index)?\.ts$/g, ''), name]));
  for (const entry of project.children ?? []) entry.name = names.get(entry.name) ?? entry.name;
  await app.generateOutputs(project);
}

rmSync(API, { recursive: true, force: true });
await writeApiPages();
await build('docs');
