import { defineConfig } from 'vitest/config';

export default defineConfig({
  // Examples are written as users write them.
  resolve: {
    alias: Object.entries({
      prosam: 'src/index.ts',
      'prosam/client': 'src/client/index.ts',
      'prosam/cvat': 'src/adapters/cvat/index.ts',
      'prosam/http': 'src/adapters/http/index.ts',
      'prosam/label-studio': 'src/adapters/label-studio/index.ts',
      'prosam/scenes': 'src/scenes/index.ts',
      'prosam/testing': 'src/testing/index.ts',
      'prosam/training': 'src/training/index.ts',
      'prosam/web': 'src/web.ts',
    }).map(([name, path]) => ({ find: new RegExp(`^${name}$`), replacement: new URL(path, import.meta.url).pathname })),
  },
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/own-temporary-folder.ts'],
    // For tests that hang: slow machines need many times what a quick one does.
    testTimeout: 3_600_000,
    expect: { poll: { timeout: 3_600_000 } },
    hookTimeout: 3_600_000,
    pool: 'forks',
    maxWorkers: 2,
  },
});
