import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { defineConfig } from 'tsup';
import { bundlePage } from './src/adapters/console/bundle-page.ts';

const entries = {
  index: 'src/index.ts',
  client: 'src/client/index.ts',
  cvat: 'src/adapters/cvat/index.ts',
  http: 'src/adapters/http/index.ts',
  'label-studio': 'src/adapters/label-studio/index.ts',
  learner: 'src/learner/index.ts',
  scenes: 'src/scenes/index.ts',
  testing: 'src/testing/index.ts',
  server: 'src/server/index.ts',
  training: 'src/training/index.ts',
  types: 'src/types.ts',
};

/** Read by the console's routes, which look for them beside their own script. */
async function writeConsole(): Promise<void> {
  const folder = join(import.meta.dirname, 'dist/console');
  await mkdir(folder, { recursive: true });
  for (const [name, bytes] of await bundlePage()) await writeFile(join(folder, name), bytes);
}

export default defineConfig([
  {
    target: 'node22',
    platform: 'node',
    // esbuild would turn `node:sqlite` into a module that does not exist.
    removeNodeProtocol: false,
    entry: {
      ...entries,
      // Programs, threads and processes that entries of both kinds start.
      cli: 'src/cli.ts',
      'device-probe': 'src/core/runtime/devices/device-probe.ts',
      'inference-worker': 'src/core/runtime/worker/inference-worker.ts',
      'sqlite-worker': 'src/storage/sqlite/sqlite-worker.ts',
    },
    format: ['esm'],
    dts: { entry: entries },
    onSuccess: writeConsole,
  },
  // Browsers have one kind of module, and nothing of Node. A page and its worker share no memory, so that shared files would only bring
  // each what the other one needs.
  {
    target: 'es2022',
    platform: 'browser',
    entry: { web: 'src/web.ts' },
    format: ['esm'],
    dts: true,
  },
  {
    target: 'es2022',
    platform: 'browser',
    entry: { 'web-worker': 'src/web-worker.ts' },
    format: ['esm'],
  },
  {
    target: 'es2022',
    platform: 'browser',
    entry: { 'client-page': 'src/client/page/index.ts' },
    format: ['esm'],
    tsconfig: 'tsconfig.page.json',
    dts: true,
  },
]);
