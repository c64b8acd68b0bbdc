/** `npm run docs`: API pages from the sources (typedoc), then docs/ as a static site (VitePress) in `docs-site/`. Needs no network. */
import { rmSync } from 'node:fs';
import { resolve } from 'node:path';
import { Application, type TypeDocOptions } from 'typedoc';
import type { PluginOptions } from 'typedoc-plugin-markdown';
import { build } from 'vitepress';
import { packageEntries } from './package-entries.ts';

/** Folder of the generated pages, ignored by git. */
const API = 'docs/reference/api';

/** API pages of every entry of the package. @throws Error if a source does not compile or an entry has no page */
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
  // The project has a configuration for Node and one for pages; the entries are of both.
  const settings = app.options.getCompilerOptions(app.logger);
  const lib = [...(settings.lib ?? []), 'lib.dom.d.ts', 'lib.dom.iterable.d.ts'];
  app.options.setCompilerOptions(
    Object.values(entries).map((source) => resolve(source)),
    { ...settings, lib },
    undefined,
  );
  const project = await app.convert();
  if (project === undefined) throw new Error('typedoc: expected sources that compile. Run npm run typecheck.');
  const names = new Map(Object.entries(entries).map(([name, source]) => [source.replace(/^src\/|(\/index)?\.ts$/g, ''), name]));
  for (const entry of project.children ?? []) entry.name = names.get(entry.name) ?? entry.name;
  const missing = Object.keys(entries).filter((name) => project.children?.every((entry) => entry.name !== name));
  if (missing.length > 0) throw new Error(`typedoc: expected a page for each entry of package.json, got none for ${missing.join(', ')}`);
  await app.generateOutputs(project);
}

rmSync(API, { recursive: true, force: true });
await writeApiPages();
await build('docs');
