import { defineConfig } from 'vitest/config';

/** Entries of the package, as its users write them: examples and tests import them from source. */
const ENTRIES: Readonly<Record<string, string>> = {
  prosam: 'src/index.ts',
  'prosam/client': 'src/client/index.ts',
  'prosam/cvat': 'src/adapters/cvat/index.ts',
  'prosam/http': 'src/adapters/http/index.ts',
  'prosam/label-studio': 'src/adapters/label-studio/index.ts',
  'prosam/learner': 'src/learner/index.ts',
  'prosam/scenes': 'src/scenes/index.ts',
  'prosam/server': 'src/server/index.ts',
  'prosam/training': 'src/training/index.ts',
  'prosam/types': 'src/types.ts',
  'prosam/web': 'src/web.ts',
};

export default defineConfig({
  resolve: {
    alias: Object.entries(ENTRIES).map(([name, path]) => ({
      find: new RegExp(`^${name}$`),
      replacement: new URL(path, import.meta.url).pathname,
    })),
  },
  test: {
    include: ['test/**/*.test.ts'],
    // Commands of tests take the smallest model where they name none.
    env: { PROSAM_MODEL: 'tiny' },
    globalSetup: ['test/own-temporary-folder.ts'],
    // For tests that hang: slow machines need many times what a quick one does.
    testTimeout: 900_000,
    expect: { poll: { timeout: 900_000 } },
    hookTimeout: 900_000,
    pool: 'forks',
    maxWorkers: 2,
  },
});
