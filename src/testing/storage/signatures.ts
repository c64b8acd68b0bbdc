/** Tests of what a store remembers of signatures. */
import { equal } from '../checks.ts';
import type { TestRunner } from '../test-runner.ts';
import { openTwice, type StoragePlace } from './place.ts';

export function testSignatures(tests: TestRunner, make: () => Promise<StoragePlace>): void {
  const { describe, it } = tests;
  describe('used signatures', () => {
    const { first, second } = openTwice(tests, make);
    const use = (signature: string, nowMs: number, keepUntilMs = nowMs + 1000, by = first) =>
      by().store.signatures.use(signature, { nowMs, keepUntilMs });

    it('are used once, also by others and at the same time', async () => {
      const tries = await Promise.all(Array.from({ length: 8 }, (_, i) => use('a', 1000, 2000, i % 2 === 0 ? first : second)));
      equal(tries.filter(Boolean).length, 1);
      equal(await use('a', 2000, 2000, second), false);
      equal(await use('b', 2000), true);
    });

    it('are forgotten once they would be refused for their age', async () => {
      equal(await use('c', 1000, 2000), true);
      equal(await use('d', 2001), true);
      equal(await use('c', 2002), true);
    });
  });
}
