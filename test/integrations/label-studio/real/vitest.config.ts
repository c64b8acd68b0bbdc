import { defineConfig } from 'vitest/config';
import usual from '../../../../vitest.config.ts';

/** A real Label Studio: minutes to install the first time, so it is not among the usual tests. */
export default defineConfig({
  ...(usual.resolve && { resolve: usual.resolve }),
  test: {
    root: process.cwd(),
    include: ['test/integrations/label-studio/real/*.spec.ts'],
    globalSetup: ['test/own-temporary-folder.ts'],
    testTimeout: 1_200_000,
    hookTimeout: 1_200_000,
    pool: 'forks',
    // One Label Studio at a time: they share the folder it is installed into.
    fileParallelism: false,
  },
});
