/** Tests of keys of the greatest length that the service lets through: every store takes them. */
import { checkAnnotationKey, LIMITS, MAX_KEY_BYTES } from '../../core/common/limits.ts';
import { equal } from '../checks.ts';
import type { TestRunner } from '../test-runner.ts';
import { openTwice, type StoragePlace } from './place.ts';
import { newProject, recordOf } from './records.ts';

export function testLongestNames(tests: TestRunner, make: () => Promise<StoragePlace>): void {
  const { describe, it } = tests;
  describe('keys of annotations', () => {
    const { first } = openTwice(tests, make);

    it('take names of the greatest length, however little they can be packed', async () => {
      /** Text of many different characters, three bytes each. */
      const text = (length: number, seed: number): string =>
        Array.from({ length }, (_, i) => String.fromCharCode(0x4e00 + ((7919 * (i + seed)) % 20_000))).join('');
      const start = newProject();
      const project = start + text(LIMITS.project - start.length, 1);
      const room = MAX_KEY_BYTES - Buffer.byteLength(project);
      const keys = [
        { source: 'a'.repeat(LIMITS.source), externalId: text(LIMITS.annotationId, 2) },
        { source: text(LIMITS.source, 3), externalId: text(Math.floor(room / 3) - LIMITS.source, 4) },
      ];
      for (const key of keys) {
        checkAnnotationKey({ project, ...key });
        const record = recordOf(project, key);
        equal(await first().store.annotations.accept(record, []), 'stored');
        equal(await first().store.annotations.remove({ project, ...key }), true);
      }
    });
  });
}
