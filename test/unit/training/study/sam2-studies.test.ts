/** Studies on SAM 2: as its own backbone block by block, beside a backbone of its own, and with its decoder looked into. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openModel } from '../../../../src/core/checkpoint/model-folder.ts';
import { SAM2_HIERA_LARGE, SAM2_HIERA_TINY, SAM_VIT_B } from '../../../../src/core/networks/config.ts';
import { chunkFor } from '../../../../src/training/step/prompt-decoder.ts';
import { midBlockVariants } from '../../../../src/training/study/backbone-variants.ts';
import type { FlatnessRow } from '../../../../src/training/study/flatness-measure.ts';
import type { PromptRegion } from '../../../../src/training/study/prompt/region-measure.ts';
import { runStudy } from '../../../../src/training/study/run-study.ts';
import type { ScoreMetrics } from '../../../../src/training/study/score-part.ts';
import type { StudyOptions } from '../../../../src/training/study/study-options.ts';
import type { StudyName, StudyResult } from '../../../../src/training/study/study-result.ts';
import type { Dataset } from '../../../../src/training/types.ts';
import { writeSam2Folder } from '../../core/sam2/sam2-folder.ts';
import { smallStudy, studyData } from './study-data.ts';

const folder = mkdtempSync(join(tmpdir(), 'prosam-sam2-study-'));
let dataset: Dataset;
const models = { sam: join(folder, 'sam2-sam'), dino: join(folder, 'sam2-dino') };
beforeAll(async () => {
  dataset = await studyData(join(folder, 'data'));
  for (const backbone of ['sam', 'dino'] as const) await writeSam2Folder(models[backbone], { backbone });
});
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

async function study(name: StudyName, out: string, more: Partial<StudyOptions>): Promise<StudyResult> {
  const shared = { runs: join(folder, 'runs'), cacheDir: join(folder, 'features'), steps: 1, pairs: 2 };
  return runStudy(name, smallStudy(dataset, join(folder, out), { ...shared, ...more }));
}
const namesOf = ({ figures }: StudyResult): string[] => (figures as { scores: ScoreMetrics[] }).scores.map(({ name }) => name);

it('compares blocks of the third stage where there is one model', async () => {
  const variants = await midBlockVariants(models.sam, join(folder, 'variants'));
  const blocks = [];
  for (const one of variants) blocks.push((await openModel(one)).manifest.backbone);
  expect(blocks).toEqual([[0], [2], [0, 2]].map((midBlocks) => ({ kind: 'sam', midBlocks })));
  const result = await study('backbones', 'blocks', { models: [models.sam], variants: ['deterministic'] });
  expect(namesOf(result)).toEqual([0, 2, '0-2'].map((which) => `VRP-SAM, deterministic, models-blocks-${which}`));
});

it('compares a SAM 2 with itself under another backbone, and says where the SAMs are not the same', async () => {
  const result = await study('backbones', 'two', { models: [models.sam, models.dino], variants: ['student_t'] });
  expect(namesOf(result)).toHaveLength(2);
  for (const { miou } of (result.figures as { scores: ScoreMetrics[] }).scores) expect(miou.value).toBeGreaterThanOrEqual(0);
  const [part] = result.parts;
  expect(JSON.stringify(part)).toContain('The same SAM decoder');
  expect(result.notes.join()).not.toContain('different SAMs');

  const mixed = await study('backbones', 'mixed', { models: [models.sam, 'tiny'], variants: ['student_t'] });
  expect(JSON.stringify(mixed.parts[0])).toContain('models that differ in their SAM');
  expect(mixed.notes.join()).toContain('different SAMs');
});

it('looks into the decoder: curvature along prompts, and prompts learned on it', async () => {
  const flat = await study('flatness', 'flat', { models: [models.sam], variants: ['student_t'], probes: 2 });
  const [{ pairs }] = flat.figures as [{ pairs: FlatnessRow[] }];
  for (const { laplacian, loss, slope, relativeAgreement } of pairs) {
    expect([laplacian, loss, slope].every(Number.isFinite)).toBe(true);
    expect(relativeAgreement[0]).toBe(1);
  }
  const region = await study('prompt-region', 'region', { models: [models.sam], starts: 2, searchSteps: 4, pairs: 1, lr: 0.05 });
  const [{ learned, mean }] = region.figures as [PromptRegion];
  expect(learned).toHaveLength(2);
  expect(mean.bce).toBeGreaterThan(0);
});

it('decodes as many prompt sets at once as on SAM, whose decoder is as large', () => {
  expect([SAM_VIT_B, SAM2_HIERA_TINY, SAM2_HIERA_LARGE].map(chunkFor)).toEqual([2, 2, 2]);
});
