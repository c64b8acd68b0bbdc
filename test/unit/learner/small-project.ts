/** A project with annotated scenes in a real store, and a learner that is quick. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { encode } from 'fast-png';
import { openStorage } from '../../../src/storage/open-storage.ts';
import { LEARNER_DEFAULTS, type LearnerSettings } from '../../../src/learner/settings.ts';
import { cocoRleFromMaskSync } from '../../../src/core/mask/rle.ts';
import type { Provenance, Storage } from '../../../src/service/ports/storage.ts';
import { conceptMask, CONCEPTS, generateScene } from '../../../src/scenes/index.ts';

export const PROJECT = 'shelf';
/** Side of the scenes, pixels. */
const SIZE = 96;

export interface SmallProject {
  folder: string;
  storage: Storage;
  /** What `prosam learn` is told to find it. */
  flags: string[];
  /** Annotates `count` scenes, each showing one of the concepts in turn. -> hashes of the images */
  annotate(count: number, options?: { project?: string; concepts?: readonly number[]; provenance?: Provenance }): Promise<string[]>;
  settings(more?: Partial<LearnerSettings>): LearnerSettings;
  close(): Promise<void>;
}

export async function smallProject(): Promise<SmallProject> {
  const folder = await mkdtemp(join(tmpdir(), 'prosam-learn-'));
  const [database, objects, work] = [join(folder, 'prosam.db'), join(folder, 'blobs'), join(folder, 'learner')];
  const storage = await openStorage({ database, objects });
  let scenes = 0;
  return {
    ...{ folder, storage },
    flags: ['--database', database, '--objects', objects, '--work', work],
    async annotate(count, { project = PROJECT, concepts = [5, 17], provenance = 'edited' } = {}) {
      const hashes: string[] = [];
      for (let i = 0; i < count; i++) {
        const concept = concepts[i % concepts.length] as number;
        const { image, mask } = sceneOf(concept, 1000 * ++scenes);
        const sha256 = await storage.blobs.put(image);
        hashes.push(sha256);
        const rle = cocoRleFromMaskSync({ data: mask, width: SIZE, height: SIZE });
        const area = mask.reduce((sum, value) => sum + value, 0);
        await storage.store.annotations.accept(
          {
            ...{ project, source: 'test', externalId: `scene ${scenes}`, revision: 1, provenance, createdMs: Date.now() },
            image: { project, sha256, width: SIZE, height: SIZE },
            masks: [{ label: CONCEPTS[concept]?.name ?? '', rle, area }],
          },
          [{ name: 'train', key: project, data: { project } }],
        );
      }
      return hashes;
    },
    settings: (more) => ({
      ...{ ...LEARNER_DEFAULTS, model: 'tiny', workDir: work, device: 'cpu', steps: 4, crops: 0, checkpointEvery: 1, lr: 1e-2 },
      // Whatever comes out is good enough, one pixel is a change, and what is trained is what answers.
      ...{ method: 'prosam', margin: 1, labelMargin: 1, minGateImages: 1, folds: 0, alikeIou: 1, leaseMs: 5000, threads: 0, fitFrom: 0 },
      ...more,
    }),
    async close() {
      await storage.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** The first scene from `seed` on that shows the concept on a twentieth of its pixels or more. */
function sceneOf(concept: number, seed: number): { image: Uint8Array; mask: Uint8Array } {
  for (;;) {
    const scene = generateScene(seed++, { size: SIZE, force: [concept] });
    const mask = conceptMask(scene, concept);
    if (mask.reduce((sum, value) => sum + value, 0) < 0.05 * SIZE * SIZE) continue;
    return { image: encode({ data: scene.image, width: SIZE, height: SIZE, channels: 3 }), mask };
  }
}
