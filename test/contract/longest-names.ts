/** Every store takes names of the greatest length that the service lets through. */
import { describe, expect, it } from 'vitest';
import { checkAnnotationKey, LIMITS, MAX_KEY_BYTES } from '../../src/core/common/limits.ts';
import { newProject, openTwice, recordOf, type Place } from './place.ts';

export function longestNamesConformance(make: () => Promise<Place>): void {
  describe('keys of annotations', () => {
    const { first } = openTwice(make);

    it('take names of the greatest length, however little they can be packed', async () => {
      /** As many different characters as there are, three bytes each. */
      const text = (length: number, seed: number) =>
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
        expect(await first().store.annotations.accept(record, [])).toBe('stored');
        expect(await first().store.annotations.remove({ project, ...key })).toBe(true);
      }
    });
  });
}
