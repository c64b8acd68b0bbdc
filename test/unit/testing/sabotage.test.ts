/** The published suites notice what is broken: each is run on something sabotaged, by a test runner of a few lines. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { lightTable } from '../../../examples/custom-adapter/light-table.ts';
import { openStorage } from '../../../src/storage/open-storage.ts';
import { createEngine } from '../../../src/core/runtime/node/create-engine.ts';
import { testAdapter } from '../../../src/testing/adapter.ts';
import { testMethod } from '../../../src/testing/method.ts';
import { testRemovedAnnotations } from '../../../src/testing/storage/removed-annotations.ts';
import type { TestRunner } from '../../../src/testing/test-runner.ts';

/** Runs a suite in order. -> names of the tests that failed, and how many passed */
async function failuresOf(define: (tests: TestRunner) => void): Promise<{ failed: string[]; passed: number }> {
  const [before, tests, after]: [(() => unknown)[], [string, () => unknown][], (() => unknown)[]] = [[], [], []];
  define({
    describe: (_, inside) => inside(),
    it: (name, run) => tests.push([name, run]),
    beforeAll: (run) => before.push(run),
    afterAll: (run) => after.push(run),
  });
  const failed: string[] = [];
  for (const run of before) await run();
  for (const [name, run] of tests) {
    try {
      await run();
    } catch {
      failed.push(name);
    }
  }
  for (const run of after) await run();
  return { failed, passed: tests.length - failed.length };
}

it('an adapter that lets readers write and forgets names fails', { timeout: 240_000 }, async () => {
  const { failed, passed } = await failuresOf((tests) =>
    testAdapter(tests, {
      routes: (parts) =>
        lightTable(parts).map((route) => (route.method === 'get' ? { ...route, access: 'open' } : { ...route, access: 'read' })),
      project: 'films',
      predict: ({ url, label }) => ({ path: '/outlines', body: { sheet: url, names: [label] } }),
      masksIn: (response) => (response as { outlines: unknown[] }).outlines.length,
      accept: ({ externalId, revision, url, label, outline }) => ({
        path: '/done',
        // Every time another name: it is never stored once.
        body: {
          ...{ film: `${externalId} ${Math.random()}`, sheet: url, round: revision, by: 'Mira', how: 'by-hand' },
          outlines: [{ name: label, corners: outline }],
        },
      }),
    }),
  );
  expect(failed).toEqual([
    expect.stringContaining('describes its routes'),
    expect.stringContaining('stores what was accepted once'),
    expect.stringContaining('replaces an annotation'),
  ]);
  expect(passed).toBeGreaterThan(3);
});

it('a method without a seed and with wrong areas fails', { timeout: 240_000 }, async () => {
  let calls = 0;
  const { failed } = await failuresOf((tests) =>
    testMethod(tests, {
      method: 'nearest',
      async engine() {
        const engine = await createEngine({ model: 'tiny', device: 'cpu' });
        return {
          ...engine,
          async predict(...args) {
            const prediction = await engine.predict(...args);
            return { ...prediction, masks: prediction.masks.map((mask) => ({ ...mask, area: mask.area + ++calls })) };
          },
        };
      },
    }),
  );
  expect(failed).toEqual(
    expect.arrayContaining([expect.stringContaining('with its area and box'), expect.stringContaining('says the same again')]),
  );
});

it('a store that forgets deletions fails', { timeout: 240_000 }, async () => {
  const { failed } = await failuresOf((tests) =>
    testRemovedAnnotations(tests, () => {
      const folder = mkdtempSync(join(tmpdir(), 'prosam-sabotage-'));
      return Promise.resolve({
        async open() {
          const storage = await openStorage({ database: join(folder, 'prosam.db'), objects: join(folder, 'blobs') });
          const annotations = { ...storage.store.annotations, remove: () => Promise.resolve(true) };
          return { ...storage, store: { ...storage.store, annotations } };
        },
        remove() {
          rmSync(folder, { recursive: true, force: true });
          return Promise.resolve();
        },
      });
    }),
  );
  expect(failed.length).toBeGreaterThanOrEqual(3);
});
