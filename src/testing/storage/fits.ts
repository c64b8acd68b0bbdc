/** Tests of what a store does with numbers fitted to labels. */
import type { FitRecord } from '../../service/ports/fits.ts';
import { equal, ok } from '../checks.ts';
import type { TestRunner } from '../test-runner.ts';
import { openTwice, type StoragePlace } from './place.ts';
import { hashOf, imageOf, maskOf, newProject, recordOf } from './records.ts';

export function testFits(tests: TestRunner, make: () => Promise<StoragePlace>): void {
  const { describe, it } = tests;
  describe('numbers fitted to a label', () => {
    const { first, second } = openTwice(tests, make);
    const annotations = () => first().store.annotations;
    const fits = () => first().store.fits;
    const fitOf = (project: string, more: Partial<FitRecord> & { probe?: number[] } = {}): FitRecord => {
      const { probe = [0.1, -1e-7, 3], label = 'cup', ...rest } = more;
      const numbers = { probe, bias: 0, maps: { redrawn: 0.5, prosam: 0.5 } };
      const held = [{ plain: 0.5, learned: 0.75 }, { plain: 1 / 3, learned: 1 }]; // prettier-ignore
      const values = { format: 'prosam-learned/1' as const, features: 'f', label, examples: 2, held, numbers };
      return { project, label, baseModel: 'tiny', data: 'd', values, fittedMs: 5, ...rest };
    };
    /** Two cups and a plate on images "a" and "b". -> ids of the masks of cups */
    const annotated = async (project: string): Promise<number[]> => {
      await annotations().accept(recordOf(project, { masks: [maskOf('cup'), maskOf('plate')] }), []);
      await annotations().accept(recordOf(project, { externalId: 'two', image: imageOf(project, 'b') }), []);
      return (await annotations().candidates(project, 'cup', 9)).map(({ id }) => id);
    };
    const revisionOf = async (project: string) => (await second().store.versions.state(project)).revision;

    it('are what was stored last, whole, and change what predictions depend on', async () => {
      const project = newProject();
      const ids = await annotated(project);
      const before = await revisionOf(project);
      equal(await fits().get(project, 'cup'), undefined);
      equal(await fits().put(fitOf(project), ids), true);
      equal(await second().store.fits.get(project, 'cup'), fitOf(project));
      equal(await revisionOf(project), before + 1);
      const later = fitOf(project, { data: 'e', fittedMs: 7, probe: Array.from({ length: 2000 }, (_, i) => Math.fround(i / 7)) });
      equal(await second().store.fits.put(later, ids), true);
      equal(await fits().get(project, 'cup'), later);
      const plate = fitOf(project, { label: 'plate', fittedMs: 6 });
      await fits().put(plate, []);
      equal(await fits().list(project, 9), [later, plate]);
      equal(await fits().list(project, 1), [later]);
      equal(await fits().list(newProject(), 9), []);
    });

    it('are one or the other where several are stored at once', async () => {
      const project = newProject();
      const ids = await annotated(project);
      const all = Array.from({ length: 10 }, (_, i) => fitOf(project, { data: `d${i}`, probe: [i, i], fittedMs: i }));
      await Promise.all(all.map((fit, i) => (i % 2 === 0 ? first() : second()).store.fits.put(fit, ids)));
      const found = await fits().get(project, 'cup');
      equal(found, all[found?.fittedMs ?? -1]);
    });

    it('stay when a mask is replaced, and go with one that is deleted, withdrawn, erased or no longer of the label', async () => {
      const ways: ((project: string) => Promise<unknown>)[] = [
        (project) => annotations().remove(recordOf(project, { externalId: 'two' })),
        (project) => annotations().withdraw(recordOf(project, { externalId: 'two' }), 1),
        (project) => first().store.images.erase(project, hashOf('b'), 1),
        (project) =>
          annotations().accept(
            recordOf(project, { externalId: 'two', revision: 2, image: imageOf(project, 'b'), masks: [maskOf('saucer')] }),
            [],
          ),
      ];
      for (const remove of ways) {
        const project = newProject();
        const ids = await annotated(project);
        await fits().put(fitOf(project), ids);
        await fits().put(fitOf(project, { label: 'plate' }), []);
        await annotations().accept(recordOf(project, { revision: 2, masks: [maskOf('cup', 7)] }), []);
        equal((await fits().get(project, 'cup'))?.data, 'd');
        const before = await revisionOf(project);
        await remove(project);
        equal(await second().store.fits.get(project, 'cup'), undefined);
        ok((await revisionOf(project)) > before);
        equal((await fits().list(project, 9)).map(({ label }) => label), ['plate']); // prettier-ignore
      }
    });

    it('go with an erased image also where a newer revision shows another', async () => {
      const project = newProject();
      const ids = await annotated(project);
      await fits().put(fitOf(project), ids);
      await annotations().accept(recordOf(project, { externalId: 'two', revision: 2, image: imageOf(project, 'c') }), []);
      equal((await fits().get(project, 'cup'))?.data, 'd');
      await first().store.images.erase(project, hashOf('b'), 1);
      equal(await fits().get(project, 'cup'), undefined);
    });

    it('are refused where a mask they rest on was removed meanwhile', async () => {
      const project = newProject();
      const ids = await annotated(project);
      await fits().put(fitOf(project), []);
      await annotations().remove(recordOf(project, { externalId: 'two' }));
      const before = await revisionOf(project);
      equal(await fits().put(fitOf(project, { data: 'late' }), ids), false);
      equal((await fits().get(project, 'cup'))?.data, 'd');
      equal(await revisionOf(project), before);
    });
  });
}
