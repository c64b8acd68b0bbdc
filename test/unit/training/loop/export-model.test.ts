/** A trained encoder beside frozen parts of every kind: what is written opens again, as what it was. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { openModel } from '../../../../src/core/checkpoint/model-folder.ts';
import { PROMPT_ENCODER } from '../../../../src/core/networks/config.ts';
import { seededRandom } from '../../../../src/core/common/random.ts';
import { midShape } from '../../../../src/core/onnx/model-graphs.ts';
import { checkModelWeights } from '../../../../src/core/onnx/networks.ts';
import type { EncoderPlan } from '../../../../src/training/step/encoder-plan.ts';
import { exportModel } from '../../../../src/training/loop/export-model.ts';
import { initialParameters } from '../../../../src/training/step/parameters.ts';
import { writeModelFolder } from '../../core/runtime/model-folder-of.ts';
import { writeTinyVitFolder } from '../../core/runtime/tiny-vit-folder.ts';

const root = mkdtempSync(join(tmpdir(), 'prosam-export-'));
afterAll(() => {
  rmSync(root, { recursive: true, force: true });
});

const plain = { resize: 'stretch', withPromptEncoder: false, half: false } as const;
const folders: [name: string, write: (folder: string) => unknown][] = [
  ['a ViT', (folder) => writeModelFolder(folder, { backbone: 'sam', ...plain })],
  ['a TinyViT', (folder) => writeTinyVitFolder(folder, [1, 2])],
  ['a ViT and a VGG', (folder) => writeModelFolder(folder, { backbone: 'vgg', ...plain })],
  ['a ViT and a DINOv2', (folder) => writeModelFolder(folder, { backbone: 'dino', ...plain })],
];

describe('exportModel', () => {
  test.each(folders)('over %s', async (name, write) => {
    const from = join(root, name);
    write(from);
    const model = await openModel(from);
    const { manifest } = model;
    const { sam, backbone, files } = manifest;
    const config = { ...PROMPT_ENCODER, midChannels: midShape(manifest)[1] as number, dim: sam.config.outChans, numPrompts: 5 };
    const plan: EncoderPlan = {
      file: 'prompt-encoder.safetensors',
      config,
      distribution: 'student_t',
      nu: 5,
      label_reduction: { kind: 'nearest' },
      trained_against: { sam: files[sam.file] as string, ...('file' in backbone && { backbone: files[backbone.file] }) },
    };
    const to = `${from}-trained`;
    await exportModel(to, 'trained', model, plan, initialParameters(config, seededRandom(1)), 'not at all');
    const trained = await openModel(to);
    checkModelWeights(trained);
    expect(trained.manifest.sam).toEqual(sam);
    expect(trained.manifest.backbone).toEqual(backbone);
    expect(trained.manifest.prompt_encoder).toEqual(plan);
    expect(trained.encoderId).toBe(model.encoderId);
  });
});
