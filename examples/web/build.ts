/** Builds the page into a folder that any static server can serve: scripts, sample photos, a model, ONNX Runtime's WebAssembly files. */
import { createHash } from 'node:crypto';
import { copyFile, cp, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, type BuildOptions, type Metafile } from 'esbuild';

const HERE = fileURLToPath(new URL('.', import.meta.url));
const ROOT = join(HERE, '../..');
/** Merge: DEFAULT_MODEL of src/core/engine/defaults.ts. */
const MODEL = 'small';
const STATIC = ['index.html', 'style.css', 'icon.svg'];
/** With the processor alone, and with WebGPU: only one set is ever loaded. */
const ORT = ['ort-wasm-simd-threaded', 'ort-wasm-simd-threaded.asyncify'].flatMap((name) => [`${name}.mjs`, `${name}.wasm`]);

/** out: emptied first. -> the files of the page itself, without model and WebAssembly */
export async function buildPage(out: string = join(HERE, 'dist')): Promise<string[]> {
  await rm(out, { recursive: true, force: true });
  await mkdir(join(out, 'ort'), { recursive: true });
  const shared: BuildOptions = {
    bundle: true,
    minify: true,
    format: 'esm',
    target: 'es2022',
    platform: 'browser',
    logLevel: 'warning',
    // The page knows the package by its name; here that is this project's own source.
    alias: {
      'prosam/client/page': join(ROOT, 'src/client/page/index.ts'),
      'prosam/web': join(ROOT, 'src/web.ts'),
    },
    // ONNX Runtime with its WebAssembly beside it instead of inside.
    conditions: ['onnxruntime-web-use-extern-wasm'],
  };
  const { metafile } = await build({
    ...shared,
    entryPoints: { main: join(HERE, 'page/main.ts'), 'web-worker': join(ROOT, 'src/web-worker.ts') },
    outdir: out,
    splitting: true,
    metafile: true,
    define: { MODEL: JSON.stringify(MODEL) },
  });
  for (const file of STATIC) await copyFile(join(HERE, file), join(out, file));
  const files = [...STATIC, ...scriptsOf(metafile, out), ...(await copyPhotos(out))];
  const hash = createHash('sha256');
  for (const file of files) hash.update(await readFile(join(out, file)));
  await build({
    ...shared,
    entryPoints: { 'service-worker': join(HERE, 'page/service-worker.ts') },
    outdir: out,
    define: { PAGE_FILES: JSON.stringify(['./', ...files]), PAGE_VERSION: JSON.stringify(hash.digest('hex').slice(0, 12)) },
  });
  const ort = dirname(createRequire(import.meta.url).resolve('onnxruntime-web'));
  for (const file of ORT) await copyFile(join(ort, file), join(out, 'ort', file));
  await cp(join(ROOT, 'models', MODEL), join(out, 'models', MODEL), { recursive: true });
  await rm(join(out, 'models', MODEL, 'check.safetensors')); // for tests alone
  await writeFile(join(out, '.gitignore'), '*\n');
  return [...files, 'service-worker.js'];
}

/** Copies the sample photos and their list. */
async function copyPhotos(out: string): Promise<string[]> {
  const from = join(ROOT, 'examples/photos');
  await mkdir(join(out, 'photos'));
  const files = (await readdir(from)).filter((file) => file.endsWith('.jpg') || file === 'photos.json').sort();
  for (const file of files) await copyFile(join(from, file), join(out, 'photos', file));
  return files.map((file) => `photos/${file}`);
}

function scriptsOf({ outputs }: Metafile, out: string): string[] {
  return Object.keys(outputs).map((path) =>
    path.slice(path.lastIndexOf(out.split('/').at(-1) as string) + (out.split('/').at(-1) as string).length + 1),
  );
}
