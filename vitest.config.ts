import { defineConfig } from 'vitest/config';

export default defineConfig({
  // Examples are written as users write them.
  resolve: {
    alias: [
      { find: /^prosam$/, replacement: new URL('src/index.ts', import.meta.url).pathname },
      { find: /^prosam\/label-studio$/, replacement: new URL('src/adapters/label-studio/index.ts', import.meta.url).pathname },
      { find: /^prosam\/scenes$/, replacement: new URL('src/scenes/index.ts', import.meta.url).pathname },
      { find: /^prosam\/web$/, replacement: new URL('src/web.ts', import.meta.url).pathname },
      { find: /^prosam\/http$/, replacement: new URL('src/adapters/http/index.ts', import.meta.url).pathname },
    ],
  },
  test: { include: ['test/**/*.test.ts'], testTimeout: 60_000, hookTimeout: 120_000, pool: 'forks', maxWorkers: 2 },
});
