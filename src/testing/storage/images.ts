/** Tests of what a store does with images and predictions. */
import type { PredictionRecord } from '../../service/ports/storage.ts';
import { alike, equal } from '../checks.ts';
import type { TestRunner } from '../test-runner.ts';
import { openTwice, type StoragePlace } from './place.ts';
import { hashOf, imageOf, maskOf, newProject, recordOf } from './records.ts';

export function testImages(tests: TestRunner, make: () => Promise<StoragePlace>): void {
  const { describe, it } = tests;
  describe('images', () => {
    const { first, second } = openTwice(tests, make);
    const images = () => first().store.images;
    const prediction = (project: string, image: string, uncertainty: number, createdMs = 1): PredictionRecord => ({
      ...{ project, sha256: hashOf(image), version: 'v1', createdMs },
      masks: [
        { ...maskOf('cup'), score: 0.5, uncertainty, method: 'prosam' },
        { ...maskOf('plate'), score: 0.9, uncertainty: uncertainty / 2, method: 'nearest' },
      ],
    });

    it('are added once; later only a missing external id is filled in', async () => {
      const project = newProject();
      await images().add([imageOf(project, 'a'), imageOf(project, 'b', { externalId: 'B' }), imageOf(project, 'a')], 5);
      await images().add(
        [imageOf(project, 'a', { width: 99, externalId: 'A' }), imageOf(project, 'b', { externalId: 'other' }), imageOf(project, 'b')],
        6,
      );
      equal(await images().get(project, hashOf('a')), {
        ...imageOf(project, 'a', { externalId: 'A' }),
        createdMs: 5,
        annotated: false,
      });
      alike(await images().get(project, hashOf('b')), { externalId: 'B', createdMs: 5 });
      equal(await images().get(project, hashOf('c')), undefined);
      await images().add([], 7);
    });

    it('are added by two at once', async () => {
      const project = newProject();
      const all = Array.from({ length: 50 }, (_, i) => imageOf(project, `${i}`));
      await Promise.all([first(), second()].flatMap(({ store }) => [store.images.add(all, 1), store.images.add([...all].reverse(), 2)]));
      equal(await images().counts(project), { images: 50, annotated: 0, masks: 0 });
    });

    it('are ranked by uncertainty while nobody has annotated them, those never predicted last', async () => {
      const project = newProject();
      await images().add(
        ['a', 'b', 'c', 'd', 'e'].map((name) => imageOf(project, name)),
        1,
      );
      await images().predicted(
        [prediction(project, 'a', 0.2), prediction(project, 'b', 0.9), prediction(project, 'c', 0), prediction(project, 'd', 0.5)],
        100,
      );
      await first().store.annotations.accept(recordOf(project, { image: imageOf(project, 'd') }), []);
      const ranked = await images().unlabelled(project, { limit: 10 });
      equal(
        ranked.map(({ sha256, uncertainty }) => [sha256, uncertainty]),
        [
          [hashOf('b'), 0.9],
          [hashOf('a'), 0.2],
          [hashOf('c'), 0],
          [hashOf('e'), undefined],
        ],
      );
      equal(await images().unlabelled(project, { limit: 2, offset: 1 }), ranked.slice(1, 3));
      equal(await images().unlabelled(project, { limit: 2, offset: 4 }), []);
    });

    it('are ranked by what a prediction promises, where it says so', async () => {
      const [project, other] = [newProject(), newProject()];
      const names = ['a', 'b', 'c', 'd'];
      for (const one of [project, other])
        await images().add(
          names.map((name) => imageOf(one, name)),
          1,
        );
      const ranked = (name: string, gain: number, createdMs = 1): PredictionRecord => ({
        ...prediction(project, name, 0.9, createdMs),
        ranking: { presence: 0.25, gain },
      });
      await images().predicted([ranked('a', 0.1), ranked('b', 0.7), ranked('c', 0.4)], 1);
      const list = async (): Promise<unknown[]> =>
        (await images().unlabelled(project, { limit: 9 })).map(({ sha256, uncertainty, presence }) => [sha256, uncertainty, presence]);
      equal(await list(), [
        [hashOf('b'), 0.9, 0.25],
        [hashOf('c'), 0.9, 0.25],
        [hashOf('a'), 0.9, 0.25],
        [hashOf('d'), undefined, undefined],
      ]);
      equal(
        (await second().store.images.unlabelled(project, { limit: 1, offset: 1 })).map(({ sha256 }) => sha256),
        [hashOf('c')],
      );
      equal(await images().get(project, hashOf('a')), {
        ...imageOf(project, 'a'),
        ...{ createdMs: 1, annotated: false, uncertainty: 0.9, presence: 0.25 },
      });
      // A prediction that says nothing of it ranks by uncertainty, whatever one before it said.
      await images().predicted([ranked('a', 0.8, 2), prediction(project, 'b', 0.3, 2)], 9);
      await images().erase(project, hashOf('c'), 5);
      equal(await list(), [
        [hashOf('a'), 0.9, 0.25],
        [hashOf('b'), 0.3, undefined],
        [hashOf('d'), undefined, undefined],
      ]);
      equal((await images().unlabelled(other, { limit: 9 })).map(({ presence }) => presence), names.map(() => undefined)); // prettier-ignore
    });

    it('come in one order also where they are equally uncertain', async () => {
      const project = newProject();
      await images().add(
        Array.from({ length: 30 }, (_, i) => imageOf(project, `${i}`)),
        1,
      );
      const pages = [];
      for (let offset = 0; offset < 30; offset += 7) pages.push(...(await images().unlabelled(project, { limit: 7, offset })));
      equal(new Set(pages.map(({ sha256 }) => sha256)).size, 30);
    });

    it('keep the newest prediction of each, and of all only so many', async () => {
      const project = newProject();
      const names = ['a', 'b', 'c', 'd'];
      await images().add(
        names.map((name) => imageOf(project, name)),
        1,
      );
      await images().predicted(
        names.map((name, i) => prediction(project, name, i / 10, 10 + i)),
        100,
      );
      await images().predicted([prediction(project, 'a', 0.7, 20), prediction(project, 'b', 0.8, 3)], 100);
      equal(
        (await images().predictions({ project, limit: 10 })).map(({ sha256 }) => sha256),
        ['a', 'd', 'c', 'b'].map(hashOf),
      );
      equal((await images().predictions({ project, limit: 1 }))[0], prediction(project, 'a', 0.7, 20));
      equal((await images().get(project, hashOf('b')))?.uncertainty, 0.1);
      await images().predicted([prediction(project, 'c', 0.9, 30)], 2);
      equal(
        (await images().predictions({ project, limit: 10 })).map(({ sha256 }) => sha256),
        ['c', 'a'].map(hashOf),
      );
      equal((await images().get(project, hashOf('d')))?.uncertainty, 0.3);
    });

    it('of two projects are apart, also when two predict at once', async () => {
      const [one, other] = [newProject(), newProject()];
      await images().add([imageOf(one, 'a'), imageOf(other, 'a')], 1);
      const records = [prediction(one, 'a', 0.1, 5), prediction(other, 'a', 0.6, 5)];
      await Promise.all([images().predicted(records, 1), second().store.images.predicted([...records].reverse(), 1)]);
      equal((await images().get(one, hashOf('a')))?.uncertainty, 0.1);
      equal((await images().get(other, hashOf('a')))?.uncertainty, 0.6);
      equal((await images().predictions({ project: one, limit: 5 })).length, 1);
      const all = await images().predictions({ limit: 200 });
      equal(all.filter(({ project }) => project === one || project === other).length, 2);
      await images().assignSplit(one, [{ sha256: hashOf('a'), split: 'gate' }]);
      equal((await images().get(other, hashOf('a')))?.split, undefined);
    });

    it('get a split once, for good', async () => {
      const project = newProject();
      await images().add(
        ['a', 'b'].map((name) => imageOf(project, name)),
        1,
      );
      await images().assignSplit(project, [{ sha256: hashOf('a'), split: 'gate' }]);
      await images().assignSplit(project, [{ sha256: hashOf('a'), split: 'train' }, { sha256: hashOf('b'), split: 'train' }]); // prettier-ignore
      equal((await images().get(project, hashOf('a')))?.split, 'gate');
      equal((await images().get(project, hashOf('b')))?.split, 'train');
    });
  });
}
