/** The learner on a SAM 2 that nobody has trained for, from the first annotations to masks of the engine. */
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { sceneWith } from '../../../src/scenes/scene-with.ts';
import { openEngine } from '../../../src/core/runtime/node/open-engine.ts';
import { writeSam2Folder } from '../core/sam2/sam2-folder.ts';
import { ENGINE_NAME } from '../training/small-run.ts';
import { learnerBench, textWith } from './learner-bench.ts';

const bench = learnerBench();
const { learn, versionsOf } = bench;

describe(`a run on SAM 2 (${ENGINE_NAME})`, () => {
  it.each([
    ['sam', 'auto'],
    ['dino', 'prosam'],
  ] as const)(
    'makes a version that the engine masks with, of the backbone %s, judged by %s, and goes on from it',
    async (backbone, method) => {
      const model = await writeSam2Folder(join(bench.world.folder, 'sam2'), { backbone, withPromptEncoder: false });
      await bench.world.annotate(8);
      // Whether it answers people is the gate's to say; the version is there either way.
      expect(await learn({ model, method })).toMatchObject({ reason: textWith(/^mIoU 0\.\d+ -> 0\.\d+ on \d+ held-out pairs/) });
      await bench.world.annotate(4);
      expect(await learn({ model, method })).toMatchObject({ reason: textWith(/^mIoU /) });
      const [second, first] = await versionsOf();
      expect([first?.baseModel, second?.baseModel]).toEqual([textWith(/^small-sam2-/), first?.baseModel]);

      const engine = await openEngine({ model });
      try {
        const { image, truth } = sceneWith(5, () => 1);
        await engine.loadPromptEncoder('learned', (await bench.world.storage.blobs.get(second?.weights ?? '')) as Uint8Array);
        const options = { method: 'prosam', promptEncoder: 'learned' } as const;
        const { masks } = await engine.predict(image, [{ image, mask: truth }], options);
        expect(masks).toMatchObject([{ method: 'prosam' }]);
        const [refined] = (await engine.refine(image, { box: [20, 20, 90, 90], maskInput: masks[0]?.lowResLogits })).masks;
        expect(refined?.objectScore).toBeGreaterThan(0);
      } finally {
        await engine.close();
      }
    },
  );
});
