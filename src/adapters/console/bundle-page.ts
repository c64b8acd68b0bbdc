/** The page's files made from their sources: scripts and style bundled and minified. Runs in the build, and where the sources run. */
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const FOLDER = fileURLToPath(new URL('./page', import.meta.url));

/** Bytes by file name. */
export async function bundlePage(): Promise<Map<string, Uint8Array>> {
  const { outputFiles } = await build({
    absWorkingDir: FOLDER,
    entryPoints: ['index.html', 'icon.svg', 'main.ts', 'style.css'],
    outdir: FOLDER, // nothing is written
    write: false,
    bundle: true,
    minify: true,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    charset: 'utf8',
    loader: { '.html': 'copy', '.svg': 'copy' },
    logLevel: 'warning',
  });
  return new Map(outputFiles.map(({ path, contents }) => [basename(path), contents]));
}
