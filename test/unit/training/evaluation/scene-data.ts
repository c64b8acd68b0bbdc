/** A data set of generated scenes on disk: two folds of two concepts, a ring of ignored pixels in every label map. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll } from 'vitest';
import { createEngine } from '../../../../src/core/runtime/node/create-engine.ts';
import type { Engine } from '../../../../src/core/engine/types.ts';
import { sceneWith } from '../../../../src/scenes/scene-with.ts';
import { pngFromRgb } from '../../../../src/cli/common/draw.ts';
import { CONCEPTS } from '../../../../src/scenes/concepts.ts';
import { IGNORE_LABEL, type Dataset, type DatasetImage, type Episode, type Fold, type LabelMap } from '../../../../src/training/types.ts';

export const SCENE_SIZE = 160;
const CLASS_IDS = [5, 12, 31, 36] as const;
const PER_CLASS = 3;

/** Writes the images below `folder`. */
export async function sceneData(folder: string): Promise<Dataset> {
  mkdirSync(folder, { recursive: true });
  const labels = new Map<string, LabelMap>();
  const images = new Map<number, DatasetImage[]>();
  for (const classId of CLASS_IDS) {
    let seed = 1000 * classId;
    for (let i = 0; i < PER_CLASS; i++) {
      const { image, truth } = sceneWith(classId, () => seed++, SCENE_SIZE);
      const key = `${CONCEPTS[classId]?.name ?? ''}-${i}`;
      const file = join(folder, `${key}.png`);
      writeFileSync(file, await pngFromRgb(image));
      const data = truth.data.map((value, at) => (value ? classId : at < SCENE_SIZE ? IGNORE_LABEL : 0));
      labels.set(key, { data, width: truth.width, height: truth.height });
      images.set(classId, [...(images.get(classId) ?? []), { key, file }]);
    }
  }
  const foldOf = (name: string, novel: readonly number[]): Fold => ({
    name,
    base: CLASS_IDS.filter((id) => !novel.includes(id)),
    novel,
    trainingEpisodes: () => [],
    testEpisodes: (count) => {
      const all = novel.flatMap((classId): Episode[] => {
        const own = images.get(classId) as DatasetImage[];
        return own.map((target, i) => ({ classId, reference: own[(i + 1) % PER_CLASS] as DatasetImage, target }));
      });
      return Array.from({ length: count }, (_, i) => all[i % all.length] as Episode);
    },
  });
  return {
    name: 'scenes',
    classes: CLASS_IDS.map((id) => ({ id, name: CONCEPTS[id]?.name ?? '' })),
    folds: 2,
    fold: (index) => (index === 'all' ? foldOf('all', CLASS_IDS) : foldOf(String(index), CLASS_IDS.slice(2 * index, 2 * index + 2))),
    labels: ({ key }) => Promise.resolve(labels.get(key) as LabelMap),
  };
}

export interface SceneBench {
  dataset: Dataset;
  engine: Engine;
  folder: string;
}

/** Such data and the smallest model, there for the tests of a file. */
export function sceneBench(): SceneBench {
  const bench = {} as SceneBench;
  beforeAll(async () => {
    bench.folder = mkdtempSync(join(tmpdir(), 'prosam-evaluate-'));
    bench.dataset = await sceneData(bench.folder);
    bench.engine = await createEngine({ model: 'tiny', device: 'cpu' });
  });
  afterAll(async () => {
    await bench.engine.close();
    rmSync(bench.folder, { recursive: true, force: true });
  });
  return bench;
}
