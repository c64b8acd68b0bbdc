import { defineConfig } from 'tsup';

export default defineConfig({
  entry: {
    index: 'src/index.ts',
    cli: 'src/cli.ts',
    scenes: 'src/scenes/scene.ts',
    'inference-worker': 'src/core/runtime/inference-worker.ts',
  },
  format: ['esm', 'cjs'],
  target: 'node22',
  platform: 'node',
  dts: { entry: { index: 'src/index.ts', scenes: 'src/scenes/scene.ts' } },
  clean: true,
  shims: true,
  splitting: true,
  // esbuild would turn `node:sqlite` into a module that does not exist.
  removeNodeProtocol: false,
});
