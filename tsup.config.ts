import { defineConfig, type Options } from 'tsup';

const shared: Options = {
  target: 'node22',
  platform: 'node',
  shims: true,
  // esbuild would turn `node:sqlite` into a module that does not exist.
  removeNodeProtocol: false,
};

const entries = {
  index: 'src/index.ts',
  client: 'src/client/index.ts',
  cvat: 'src/adapters/cvat/index.ts',
  http: 'src/adapters/http/index.ts',
  'label-studio': 'src/adapters/label-studio/index.ts',
  learner: 'src/learner/index.ts',
  scenes: 'src/scenes/index.ts',
  server: 'src/server/index.ts',
  training: 'src/training/index.ts',
};

export default defineConfig([
  {
    ...shared,
    entry: {
      ...entries,
      'device-probe': 'src/core/runtime/devices/device-probe.ts',
      'inference-worker': 'src/core/runtime/worker/inference-worker.ts',
      'sqlite-worker': 'src/storage/sqlite/sqlite-worker.ts',
    },
    format: ['esm', 'cjs'],
    dts: { entry: entries },
  },
  { ...shared, entry: { cli: 'src/cli.ts' }, format: ['esm'] },
  // Browsers have one kind of module, and nothing of Node.
  {
    target: 'es2022',
    platform: 'browser',
    entry: { web: 'src/web.ts', 'web-worker': 'src/web-worker.ts' },
    format: ['esm'],
    dts: { entry: { web: 'src/web.ts' } },
  },
]);
