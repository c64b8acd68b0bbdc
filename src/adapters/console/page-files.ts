/** Files of the page: read from the built package, or bundled from their sources where those run. */
import { readFile } from 'node:fs/promises';
import type * as bundler from './bundle-page.ts';

/** Paths are those that index.html names. */
export const PAGE_FILES = [
  { path: '/', name: 'index.html', type: 'text/html; charset=utf-8' },
  { path: '/console/style.css', name: 'style.css', type: 'text/css; charset=utf-8' },
  { path: '/console/icon.svg', name: 'icon.svg', type: 'image/svg+xml' },
  { path: '/console/main.js', name: 'main.js', type: 'text/javascript; charset=utf-8' },
] as const;

export type PageFileName = (typeof PAGE_FILES)[number]['name'];

/** The file's bytes; read or bundled once. */
export async function pageFile(name: PageFileName): Promise<Uint8Array> {
  files ??= import.meta.url.endsWith('.ts') ? bundled() : built();
  const bytes = (await files).get(name);
  if (bytes === undefined) throw new Error(`Files of the console: expected ${name} among them, got none. Build the package anew.`);
  return bytes;
}

let files: Promise<ReadonlyMap<string, Uint8Array>> | undefined;

/** esbuild is no dependency of the package: nothing but the sources may load it. */
async function bundled(): Promise<ReadonlyMap<string, Uint8Array>> {
  const { bundlePage } = (await import(new URL('./bundle-page.ts', import.meta.url).href)) as typeof bundler;
  return bundlePage();
}

async function built(): Promise<ReadonlyMap<string, Uint8Array>> {
  const read = async (name: PageFileName): Promise<[string, Uint8Array]> => [
    name,
    await readFile(new URL(`./console/${name}`, import.meta.url)),
  ];
  return new Map(await Promise.all(PAGE_FILES.map(({ name }) => read(name))));
}
